package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/natsconn"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Migration copies the log of a stopped server into NATS, where several nodes share it.
type Migration struct {
	Dir      string
	NATS     natsconn.Config
	MaxBytes int64 // of the stream if it is created; 0 for the default
	DryRun   bool  // check everything, and write nothing
	JSON     bool
	Warn     func(text string)
	Progress func(what string, done, of uint64)
}

// Moved describes what a migration did.
type Moved struct {
	LogID        string `json:"log_id"`
	Stream       string `json:"stream"`
	Replicas     int    `json:"replicas"`
	Records      uint64 `json:"records"`
	LastPosition uint64 `json:"last_position"`
	Copied       uint64 `json:"copied"`
	There        uint64 `json:"already_there"` // from a run that was interrupted
	CutBytes     int64  `json:"cut_bytes"`     // of an unfinished write at the log's end, which is not in the copy
	DryRun       bool   `json:"dry_run"`
	Verified     bool   `json:"verified"` // every record in the stream equals that of the log
}

// Run copies the log, unless a part of it cannot be kept. It can be interrupted at any time and run again.
func (m *Migration) Run(ctx context.Context, out io.Writer) error {
	release, free, err := logfile.Hold(m.Dir)
	if err != nil {
		return err
	}
	if !free {
		return &clierr.Error{
			Code: clierr.Failed, What: "a server has the log in " + m.Dir + " open",
			Hint: "stop all load, stop the server, and run this again",
		}
	}
	defer release()
	conn, err := natsconn.Dial(m.NATS)
	if err != nil {
		return err
	}
	defer conn.Close()
	result, err := m.run(ctx, conn)
	if err != nil {
		return err
	}
	if m.JSON {
		return json.NewEncoder(out).Encode(result)
	}
	_, err = io.WriteString(out, m.text(result))
	return err
}

func (m *Migration) run(ctx context.Context, conn *natsconn.Conn) (result Moved, _ error) {
	log, err := m.examine(ctx)
	if err != nil {
		return result, err
	}
	cfg := conn.Stream(m.MaxBytes)
	at, info, err := stream.Find(ctx, cfg)
	absent := errors.Is(err, stream.ErrAbsent)
	if absent {
		info = &jetstream.StreamInfo{Config: cfg.Settings()}
	} else if err != nil {
		return result, failed(ctx, conn, "cannot copy the log to NATS", err)
	}
	if err := m.fits(log, conn.MaxPayload(), info.Config); err != nil {
		return result, err
	}
	result = Moved{
		LogID: logName(log.LogID, log.Epoch), Stream: cfg.Name, Replicas: info.Config.Replicas, Records: log.Records,
		LastPosition: log.Last, There: info.State.LastSeq, DryRun: m.DryRun,
	}
	if log.Torn != nil {
		result.CutBytes = log.Torn.Bytes
	}
	if absent && !m.DryRun {
		if at, info, err = stream.Open(ctx, cfg); err != nil {
			return result, failed(ctx, conn, "cannot copy the log to NATS", err)
		}
		result.There = info.State.LastSeq // a node may have begun another log just now
	}
	c := copying{Migration: m, conn: conn, at: at, log: log}
	if !absent || !m.DryRun {
		if err := c.run(ctx, result.There); err != nil {
			return result, err
		}
	}
	result.Copied, result.Verified = log.Last-result.There, !m.DryRun
	return result, nil
}

// examined is the log to copy, when all of it was read.
type examined struct {
	*logfile.Report
	largest uint64 // position of the largest record
	most    int    // its bytes
	bytes   int64  // that the stream needs
	begun   bool   // a record says which log it is
}

// examine reads the whole log, and refuses one that cannot be kept as it is.
func (m *Migration) examine(ctx context.Context) (*examined, error) {
	x, from := &examined{}, Source{Dir: m.Dir}
	var promises logfile.Invariants
	r, err := from.scan(ctx, func(s logfile.Stored) {
		promises.Take(s)
		if len(s.Data) > x.most {
			x.largest, x.most = s.Position, len(s.Data)
		}
		if reset, ok := s.Record.(*swarm.Reset); ok && reset.LogID != "" {
			x.begun = true
		}
		x.bytes += int64(len(s.Data)) + stream.CopyOverhead
		m.Progress("reading", s.Position, 0)
	})
	if err != nil {
		return nil, err
	}
	x.Report = r
	damage := slices.Concat(r.Damage, promises.Broken(slices.Concat(r.Lost, r.LostNow())))
	if err := damaged(from, damage); err != nil {
		return nil, m.damaged(err)
	}
	return x, m.whole(x)
}

// damaged adds to the error of a damaged log what to do before the log can be moved.
func (m *Migration) damaged(err error) error {
	if e, ok := errors.AsType[*clierr.Error](err); ok {
		e.Hint = "nothing was copied. See swarmcall log verify --data-dir " + m.Dir + "; repair the log or restore a " +
			"backup.\nA log whose loss was accepted cannot be moved either."
	}
	return err
}

// whole returns why a log that is not damaged cannot be kept as it is.
func (m *Migration) whole(x *examined) error {
	what := "the log in " + m.Dir + " cannot be moved"
	switch {
	case x.Records != x.Last:
		var lost []string
		for _, s := range x.Lost {
			lost = append(lost, fmt.Sprintf("%d to %d", s.From, s.To))
		}
		return &clierr.Error{
			Code: clierr.Failed, What: what,
			Cause: fmt.Errorf("%d of its %d positions have no record, because their loss was accepted (positions %s), and "+
				"a stream cannot leave out positions", x.Last-x.Records, x.Last, strings.Join(lost, ", ")),
			Hint: "nothing was copied. Restore a backup from before the loss; or let the nodes begin a new log, keep " +
				m.Dir + ",\nand read it by swarmcall log export",
		}
	case !x.begun:
		return &clierr.Error{Code: clierr.Failed, What: what, Cause: errors.New("no record says which log it is")}
	}
	return nil
}

// fits returns why the log does not fit into the stream.
func (m *Migration) fits(log *examined, maxPayload int64, c jetstream.StreamConfig) error {
	what := "the log in " + m.Dir + " does not fit into the stream " + c.Name
	if most := stream.MostBytes(maxPayload, c); log.most > most {
		return &clierr.Error{
			Code: clierr.Failed, What: what,
			Cause: fmt.Errorf("record %d has %d bytes, and the NATS servers take records of up to %d", log.largest,
				log.most, most),
			Hint: "nothing was copied. Set max_payload to 8MB in the configuration of each NATS server",
		}
	}
	if room := c.MaxBytes - min(reserve, c.MaxBytes/8); log.bytes > room {
		return &clierr.Error{
			Code: clierr.Failed, What: what,
			Cause: fmt.Errorf("it needs %d bytes, and the stream has room for %d", log.bytes, room),
			Hint: "nothing was copied. Give a new stream a larger --log-max-bytes; " +
				"or raise max_bytes of one that exists: nats stream edit",
		}
	}
	if maxPayload < stream.MaxMessage {
		m.Warn(fmt.Sprintf("the NATS servers take messages of up to %d bytes only: a command for very many drivers is "+
			"refused later. Set max_payload to 8MB", maxPayload))
	}
	if c.Replicas < leastReplicas {
		m.Warn(fmt.Sprintf("the stream has %d replica: the loss of that NATS server loses the log. Use a cluster of three",
			c.Replicas))
	}
	return nil
}

const (
	reserve       = 64 << 20 // bytes of a stream that nodes keep free of ordinary commands; of a small one an eighth
	leastReplicas = 3
)

func (m *Migration) text(r Moved) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-18s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("log", "%s", r.LogID)
	line("records", "%d, up to position %d", r.Records, r.LastPosition)
	line("stream", "%s, %d replicas", r.Stream, r.Replicas)
	if r.CutBytes > 0 {
		line("left out", "%d bytes of an unfinished write that was never acknowledged", r.CutBytes)
	}
	if r.DryRun {
		line("to copy", "%d records; the stream has %d of them", r.Copied, r.There)
		line("nothing written", "run this again without --dry-run")
		return b.String()
	}
	line("copied", "%d records; the stream had %d of them", r.Copied, r.There)
	line("verified", "every record in the stream equals that of the log")
	line("next", "start each node with --nats-url and its own --node-name; keep %s, and start no server on it", m.Dir)
	return b.String()
}
