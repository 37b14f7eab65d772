package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
)

const (
	enginePayload = stream.MaxMessage // bytes of one message: the most without a warning of the engine
	maxPayload    = stream.MaxRecord  // bytes of one record
	// bytes the engine may store: more than any log has, because limits.go sets the real bound
	engineMost   = 1 << 50
	syncInterval = time.Second               // between two syncs by the engine, if the engine syncs
	syncNever    = 10 * 365 * 24 * time.Hour // for the engine, when the log syncs: see decision 33
	startTimeout = 10 * time.Second
)

// store is the part of the engine that an append needs.
type store interface {
	// write stores a record after position last. It is then in the block file, but not yet on disk.
	write(ctx context.Context, record []byte, last uint64) error
	state(ctx context.Context) (state, error)
}

// embedded is a nats-server in this process with the log's stream, and the files that it writes.
type embedded struct {
	cfg  Config
	life *life

	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	store  store // the engine itself, except in tests

	lock   *os.File
	mark   *logfile.MarkFile
	reader *logfile.Reader
	tail   *logfile.Tail

	publishing sync.Mutex
}

var _ engine = (*embedded)(nil)

// start starts the server on the files, which have been checked.
func (e *embedded) start(ctx context.Context) (err error) {
	every := syncInterval
	if e.cfg.Sync == SyncAlways {
		every = syncNever
	}
	e.server, err = server.NewServer(&server.Options{
		ServerName: "swarmcall", DontListen: true, NoSigs: true, NoSystemAccount: true,
		JetStream: true, StoreDir: filepath.Join(e.cfg.Dir, logfile.EngineDir), SyncInterval: every,
		JetStreamMaxStore: engineMost, JetStreamMaxMemory: 64 << 20, DisableJetStreamBanner: true,
		MaxPayload: enginePayload, MaxPending: 4 * enginePayload,
	})
	if err != nil {
		return fmt.Errorf("cannot create the log engine: %w", err)
	}
	words := &engineLogger{
		logger: e.cfg.Logger.With("component", "log engine"), die: func(err error) { _ = e.life.die(err) },
	}
	e.server.SetLoggerV2(words, false, false, false)
	e.server.Start()
	if !e.server.ReadyForConnections(startTimeout) {
		return errors.New("the log engine did not start in " + startTimeout.String())
	}
	e.conn, err = nats.Connect("", nats.InProcessServer(e.server), nats.MaxReconnects(-1), nats.Name("log"))
	if err != nil {
		return fmt.Errorf("cannot reach the log engine: %w", err)
	}
	if e.js, err = jetstream.New(e.conn); err != nil {
		return err
	}
	e.stream, err = e.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: logfile.StreamName, Subjects: []string{logfile.Subject}, Storage: jetstream.FileStorage, Replicas: 1,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxMsgSize: maxPayload,
		DenyDelete: true, DenyPurge: true, AllowDirect: true,
		// Batches are not used; older versions describe the stream this way, and no version writes the description
		// again.
		AllowAtomicPublish: true,
		// the minimum: message ids are not used, and a start reads this window
		Duplicates: 100 * time.Millisecond,
	})
	if err != nil {
		return fmt.Errorf("cannot open the log's stream: %w", err)
	}
	words.started.Store(true)
	return nil
}

func (e *embedded) write(ctx context.Context, record []byte, last uint64) error {
	after := jetstream.WithExpectLastSequence(last)
	_, err := e.js.Publish(ctx, logfile.Subject, record, after, jetstream.WithRetryAttempts(0))
	return err
}

func (e *embedded) state(ctx context.Context) (state, error) {
	info, err := e.stream.Info(ctx)
	if err != nil {
		return state{}, err
	}
	return state{last: info.State.LastSeq, records: info.State.Msgs, bytes: int64(info.State.Bytes)}, nil
}

// fetch reads the files, and asks the server if they do not have the record where the reader looks.
func (e *embedded) fetch(ctx context.Context, pos uint64) ([]byte, error) {
	if b, err := e.reader.Read(pos); err == nil {
		return b, nil
	}
	m, err := e.stream.GetMsg(ctx, pos)
	if err != nil {
		return nil, fmt.Errorf("read log position %d: %w", pos, err)
	}
	return m.Data, nil
}

// health waits for an append that is being stored: if the disk hangs, so does this.
func (e *embedded) health() error {
	e.publishing.Lock()
	defer e.publishing.Unlock()
	if !e.conn.IsConnected() || !e.server.JetStreamEnabled() {
		return errors.New("the log engine is not running")
	}
	return nil
}

// close stops the server and releases the directory.
func (e *embedded) close() (err error) {
	e.life.kill(nil)
	if e.conn != nil {
		e.conn.Close()
	}
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
	if e.tail != nil {
		err = e.tail.Close()
	}
	if e.mark != nil {
		err = errors.Join(err, e.mark.Close())
	}
	return errors.Join(err, e.reader.Close(), e.lock.Close())
}

// engineLogger sends the engine's messages to slog. They are also the only sign of a failed disk: a publish that cannot
// be stored gets no answer, and with a custom logger the engine does not end the process on a fatal error, but
// continues without working. Here it has no listener, no peers and one client, so any error comes from its store.
type engineLogger struct {
	logger  *slog.Logger
	die     func(error)
	started atomic.Bool // before that, an error is only logged: Open compares the engine's view with the files
}

func (l *engineLogger) say(level slog.Level, format string, v ...any) {
	l.logger.Log(context.Background(), level, fmt.Sprintf(format, v...))
}

func (l *engineLogger) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v...) }
func (l *engineLogger) Warnf(format string, v ...any)   { l.say(slog.LevelWarn, format, v...) }
func (l *engineLogger) Debugf(format string, v ...any)  { l.say(slog.LevelDebug, format, v...) }
func (l *engineLogger) Tracef(format string, v ...any)  { l.say(slog.LevelDebug, format, v...) }
func (l *engineLogger) Fatalf(format string, v ...any)  { l.fail(format, v...) }

func (l *engineLogger) Errorf(format string, v ...any) {
	if !l.started.Load() {
		l.Warnf(format, v...)
		return
	}
	l.fail(format, v...)
}

func (l *engineLogger) fail(format string, v ...any) {
	l.say(slog.LevelError, format, v...)
	l.die(fmt.Errorf("the log engine failed, so the server must restart and check its log: "+format, v...))
}
