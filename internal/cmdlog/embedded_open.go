package cmdlog

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Open locks the directory, reads and checks the files, starts the engine on them, and returns the log ready for
// appends. A new log begins with a reset record. Open refuses a log that another process has open, and a damaged one
// unless the loss is accepted; a refusal changes nothing.
func Open(ctx context.Context, cfg Config) (_ *Log, err error) {
	if cfg, err = cfg.complete(); err != nil {
		return nil, err
	}
	l := &Log{
		node: cfg.Node, sync: cfg.Sync, meter: cfg.meter(), replay: cfg.Replay, life: newLife(),
		most: most{records: math.MaxInt, bytes: maxPayload},
	}
	e := &embedded{cfg: cfg, life: l.life, reader: logfile.NewReader(cfg.Dir)}
	e.store = e
	if e.lock, err = lockDir(cfg.Dir); err != nil {
		return nil, err
	}
	l.engine, l.local = e, e
	defer func() {
		if err != nil {
			err = errors.Join(err, l.release())
		}
	}()
	if l.codec, err = logfile.NewCodec(); err != nil {
		return nil, err
	}
	found, accepted, err := l.recover(ctx)
	if err != nil {
		return nil, err
	}
	// Before the engine starts: a log with records but without a mark has lost its mark.
	if e.mark, err = logfile.OpenMark(cfg.Dir); err != nil {
		return nil, fmt.Errorf("cannot open the log's mark file in %s: %w", cfg.Dir, err)
	}
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	if err := l.agree(ctx, found); err != nil {
		return nil, err
	}
	if e.tail, err = logfile.OpenTail(cfg.Dir); err != nil {
		return nil, fmt.Errorf("cannot sync the log in %s to disk: %w", cfg.Dir, err)
	}
	if first := l.firstRecord(found, accepted); first != nil {
		pos, err := l.Append(ctx, l.stored, []swarm.Record{first})
		if err != nil {
			return nil, err
		}
		if cfg.Replay != nil {
			cfg.Replay(pos, first)
		}
	}
	return l, nil
}

func (cfg Config) complete() (Config, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.MinFree == 0 {
		cfg.MinFree = DefaultMinFree
	}
	if cfg.Sync == "" {
		cfg.Sync = SyncAlways
	}
	if cfg.Sync != SyncAlways && cfg.Sync != SyncInterval {
		return cfg, fmt.Errorf("log sync %q is unknown; use always or interval", cfg.Sync)
	}
	return cfg, nil
}

// recover reads the files into the log's state and repairs what can be repaired. accepted is the damage whose loss the
// operator accepted.
func (l *Log) recover(ctx context.Context) (found, accepted *logfile.Report, err error) {
	found, err = logfile.Scan(ctx, l.local.cfg.Dir, func(s logfile.Stored) {
		l.index.add(s.Position, s.Record)
		l.local.reader.Note(s)
		if l.replay != nil {
			l.replay(s.Position, s.Record)
		}
	})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the log in %s: %w", l.local.cfg.Dir, err)
	}
	for _, note := range found.Notes {
		l.local.cfg.Logger.Warn("a file next to the log was damaged and has been repaired", "what", note)
	}
	if newer := found.Newer(); newer != nil {
		return nil, nil, fmt.Errorf("%w; nothing was changed in %s, and --accept-data-loss does not help", newer,
			l.local.cfg.Dir)
	}
	switch damage := found.Err(); {
	case damage == nil:
		err = l.repair(found)
	case !l.local.cfg.AcceptLoss:
		return nil, nil, refusal(l.local.cfg.Dir, damage)
	default:
		accepted = found
		found, err = l.salvage(ctx, accepted)
	}
	if err != nil {
		return nil, nil, err
	}
	if found.Last > found.Mark.Position {
		if err := l.local.reader.RewriteFrom(found.Mark.Position); err != nil {
			return nil, nil, fmt.Errorf("cannot sync the end of the log in %s to disk: %w", l.local.cfg.Dir, err)
		}
	}
	l.stored, l.heads = found.Last, found.Heads
	l.passed.reach(found.Last)
	l.limits = newLimits(l.local.cfg, found.Bytes)
	return found, accepted, nil
}

func refusal(dir string, damage error) error {
	return fmt.Errorf("%w; nothing was changed. Keep a copy of %s, check it with `swarmcall log verify "+
		"--data-dir %s`, and start with --accept-data-loss to continue with the intact records", damage, dir, dir)
}

func (l *Log) repair(found *logfile.Report) error {
	if err := found.Repair(l.local.cfg.Dir); err != nil {
		return fmt.Errorf("cannot repair the log in %s: %w", l.local.cfg.Dir, err)
	}
	if t := found.Torn; t != nil {
		l.local.cfg.Logger.Warn("the log ended in an unfinished write, which was never acknowledged; it was cut off",
			"file", t.File, "offset", t.Offset, "bytes", t.Bytes, "last_position", found.Last)
	}
	if l.local.cfg.AcceptLoss {
		l.local.cfg.Logger.Warn("--accept-data-loss was given, but no data is lost; start without it")
	}
	return nil
}

// salvage keeps the intact records and scans again: the only damage left may be absent positions.
func (l *Log) salvage(ctx context.Context, damaged *logfile.Report) (*logfile.Report, error) {
	if err := damaged.Salvage(l.local.cfg.Dir); err != nil {
		return nil, fmt.Errorf("cannot salvage the log in %s: %w", l.local.cfg.Dir, err)
	}
	for _, d := range damaged.Damage {
		l.local.cfg.Logger.Error("loss accepted", "damage", d.Error())
	}
	l.local.reader = logfile.NewReader(l.local.cfg.Dir) // records have moved
	left, err := logfile.Scan(ctx, l.local.cfg.Dir, l.local.reader.Note)
	if err != nil {
		return nil, fmt.Errorf("cannot read the log in %s: %w", l.local.cfg.Dir, err)
	}
	if left.Records != damaged.Records {
		return nil, fmt.Errorf("the log in %s has %d intact records after salvage, but had %d; its files are in %s",
			l.local.cfg.Dir, left.Records, damaged.Records, filepath.Join(l.local.cfg.Dir, damaged.LostDir()))
	}
	return left, nil
}

// agree compares the engine's view of the files with their content.
func (l *Log) agree(ctx context.Context, found *logfile.Report) error {
	now, err := l.engine.state(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the log's state: %w", err)
	}
	if now.last != found.Last || now.records != found.Records {
		return fmt.Errorf("the log's files in %s hold %d records up to position %d, but the engine sees %d up to %d; "+
			"keep a copy, and report this",
			l.local.cfg.Dir, found.Records, found.Last, now.records, now.last)
	}
	return nil
}

// firstRecord returns the record that this start must write before any other, or nil.
func (l *Log) firstRecord(found, accepted *logfile.Report) *swarm.Reset {
	reset := &swarm.Reset{Node: l.node, At: time.Now().UTC(), LogID: found.LogID, Epoch: found.Epoch + 1}
	switch {
	case accepted != nil:
		reset.Cause = fmt.Sprintf("data loss accepted: %v; the damaged files are in %s", accepted.Err(),
			accepted.LostDir())
		reset.LogID, reset.Epoch, reset.Lost = accepted.LogID, accepted.Epoch+1, accepted.LostNow()
	case l.stored == 0:
		reset.Cause = "new log"
	default:
		return nil
	}
	if reset.LogID == "" {
		reset.LogID = newLogID()
	}
	return reset
}

func newLogID() string {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}
