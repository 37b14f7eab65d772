package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// DefaultMaxBytes is the size of a new stream, unless configured.
const DefaultMaxBytes = 8 << 30

// Overhead is how many bytes the servers store around a record, rounded up.
const Overhead = 512

const (
	answerTimeout          = 2 * time.Second
	openPatience           = 30 * time.Second
	openPause              = 100 * time.Millisecond
	leastMajor, leastMinor = 2, 12 // of the servers: the first with atomic batches
)

// Codes of the servers' errors that the client library has no names for.
const (
	codeNoPeers          = 10005 // no suitable peers
	codeClusterNotReady  = 10008
	codeNoMetaLeader     = 10009
	codeNotClustered     = 10074 // replicas > 1 not supported in non-clustered mode
	codeNoResources      = 10023 // of a server
	codeAccountResources = 10002
	codeStorage          = 10047
	codeStoreFailed      = 10077
	codeBatchIncomplete  = 10176
	codeBatchesInflight  = 10210
)

// Config says where the stream is. Replicas and MaxBytes are those of a new one.
type Config struct {
	Conn          *nats.Conn
	Name, Subject string
	Replicas      int
	MaxBytes      int64
}

// Stream is an open stream.
type Stream struct {
	Config
	JS     jetstream.JetStream
	Stream jetstream.Stream
}

// Open finds the stream, or creates it. It tries again while the cluster is not ready: that is normal while it starts.
func Open(ctx context.Context, cfg Config) (*Stream, *jetstream.StreamInfo, error) {
	return open(ctx, cfg, true)
}

// Find finds the stream. The error is ErrAbsent if it does not exist.
func Find(ctx context.Context, cfg Config) (*Stream, *jetstream.StreamInfo, error) {
	return open(ctx, cfg, false)
}

func open(ctx context.Context, cfg Config, create bool) (*Stream, *jetstream.StreamInfo, error) {
	if err := NewEnough(cfg.Conn.ConnectedServerVersion()); err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(cfg.Conn, jetstream.WithDefaultTimeout(answerTimeout))
	if err != nil {
		return nil, nil, err
	}
	s := &Stream{Config: cfg, JS: js}
	info, err := s.find(ctx, create)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil, fmt.Errorf("%w: %s", ErrAbsent, cfg.Name)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the log's stream %s: %w", cfg.Name, cfg.explain(err))
	}
	if err := Fits(info.Config, cfg.Subject); err != nil {
		return nil, nil, fmt.Errorf("cannot use the stream %s as the log: %w", cfg.Name, err)
	}
	if n := info.State; n.Msgs > 0 && n.FirstSeq != 1 || n.NumDeleted > 0 || n.Msgs == 0 && n.LastSeq > 0 {
		return nil, nil, fmt.Errorf("the stream %s has lost records: it has %d from position %d to %d", cfg.Name, n.Msgs,
			n.FirstSeq, n.LastSeq)
	}
	return s, info, nil
}

// NewEnough returns why a server of this version cannot store the log.
func NewEnough(version string) error {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return errors.New("the connection to NATS has not been established")
	}
	major, err := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	if err != nil || err2 != nil || major < leastMajor || major == leastMajor && minor < leastMinor {
		return fmt.Errorf("the NATS server has version %s; the log needs %d.%d or newer, for atomic batches", version,
			leastMajor, leastMinor)
	}
	return nil
}

func (s *Stream) find(ctx context.Context, create bool) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	for {
		info, err := s.findOnce(ctx, create)
		// a server may not know yet the stream that was created a moment ago
		later := create && errors.Is(err, jetstream.ErrStreamNotFound)
		if err == nil || !later && !notReady(err) {
			return info, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(openPause):
		}
	}
}

func (s *Stream) findOnce(ctx context.Context, create bool) (info *jetstream.StreamInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	s.Stream, err = s.JS.Stream(ctx, s.Name)
	if create && errors.Is(err, jetstream.ErrStreamNotFound) {
		s.Stream, err = s.JS.CreateStream(ctx, s.Settings())
	}
	if err != nil {
		return nil, err
	}
	if info, err = s.Stream.Info(ctx); err != nil {
		return nil, err
	}
	if !FromLeader(info) {
		return nil, ErrUnavailable
	}
	return info, nil
}

// FromLeader reports whether the leader gave this answer: a server never lists itself among the replicas, unless there
// is no leader.
func FromLeader(info *jetstream.StreamInfo) bool {
	c := info.Cluster
	if c == nil {
		return true
	}
	return c.Leader != "" && !slices.ContainsFunc(c.Replicas, func(p *jetstream.PeerInfo) bool {
		return p.Name == c.Leader
	})
}

// notReady reports whether the servers may answer otherwise soon.
func notReady(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return slices.Contains([]jetstream.ErrorCode{
			codeNoPeers, codeClusterNotReady, codeNoMetaLeader, codeNoResources,
			jetstream.JSErrCodeStreamNameInUse, // created by another server in this moment, perhaps with other settings
		}, api.ErrorCode)
	}
	return errors.Is(err, ErrUnavailable) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrStreamNameAlreadyInUse)
}

// explain says what to do about an error.
func (c Config) explain(err error) error {
	var api *jetstream.APIError
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled),
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("JetStream is not available to this account; enable it in the configuration of the NATS "+
			"servers: %w", err)
	case errors.As(err, &api) && api.ErrorCode == codeNotClustered:
		return fmt.Errorf("it is to have %d replicas, and the NATS server is not part of a cluster: %w", c.Replicas,
			err)
	case errors.As(err, &api) && api.ErrorCode == codeNoPeers:
		return fmt.Errorf("it is to have %d replicas, and the NATS cluster does not have that many servers with "+
			"JetStream: %w", c.Replicas, err)
	case errors.As(err, &api) && (api.ErrorCode == codeStorage || api.ErrorCode == codeNoResources):
		return fmt.Errorf("the NATS servers do not have %.1f MiB for it; lower --log-max-bytes, or give JetStream more "+
			"room: %w", float64(c.MaxBytes)/(1<<20), err)
	}
	return err
}

// Replicas returns how many servers store what a node keeps in NATS: three, or one if NATS is a single server.
func Replicas(conn *nats.Conn) int {
	if conn.ConnectedClusterName() == "" {
		return 1
	}
	return 3
}
