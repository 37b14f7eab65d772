package logs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Export prints the log in dir as NDJSON: one line per whole record, in the names of the HTTP API. Damage is its error, after what
// is left.
func Export(ctx context.Context, dir string, out io.Writer) error {
	ctx, stop := context.WithCancelCause(ctx) // nobody reads on: why read on
	defer stop(nil)
	w := bufio.NewWriter(out)
	e := exporter{targets: map[uint64][]string{}}
	r, err := scan(ctx, dir, func(s logfile.Stored) {
		if err := json.MarshalWrite(w, e.line(s), jsontext.EscapeForHTML(false)); err != nil {
			stop(err)
		} else if err := w.WriteByte('\n'); err != nil {
			stop(err)
		}
	})
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("cannot write the records: %w", cause)
	}
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the records: %w", err)
	}
	return damaged(dir, r.Damage)
}

// exporter gives each record its line. It remembers the targets of open entries, for an outcome names drivers by their place.
type exporter struct{ targets map[uint64][]string }

func (e *exporter) line(s logfile.Stored) any {
	switch r := s.Record.(type) {
	case *swarm.Issued:
		e.targets[s.Position] = r.Targets
		return issuedLine{
			ID: s.Position, Event: "issued", Seq: s.Position, Node: r.Node, Submitter: r.Submitter, Command: command(r.Command),
			Target: targetJSON{r.Target.DriverIDs, r.Target.Labels}, Targets: r.Targets, SubmittedAt: timestamp(r.SubmittedAt),
			DeadlineMS: r.Deadline.Milliseconds(), IdempotencyKey: r.Key,
		}
	case *swarm.Closed:
		targets := e.targets[r.Seq]
		delete(e.targets, r.Seq)
		return closed(s.Position, r, targets)
	case *swarm.Late:
		l := lateLine{ID: s.Position, Event: "late", Seq: r.Seq, Node: r.Node, At: timestamp(r.At)}
		for _, a := range r.Acks {
			l.Late = append(l.Late, late(a))
		}
		return l
	case *swarm.Reset:
		l := resetLine{ID: s.Position, Event: "reset", Node: r.Node, At: timestamp(r.At), Cause: r.Cause}
		if r.LogID != "" {
			l.LogID = logName(r.LogID, r.Epoch)
		}
		for _, s := range r.Lost {
			l.Lost = append(l.Lost, spanJSON(s))
		}
		return l
	default:
		return nil
	}
}

func command(c swarm.Command) commandJSON {
	j := commandJSON{Type: string(c.Type), Note: c.Note}
	switch c.Type {
	case swarm.SetPlayers:
		j.Players = &c.Players
	case swarm.SetSpawnDelay:
		j.SpawnDelayMS = &c.SpawnDelayMS
	case swarm.Stop:
	}
	return j
}

// closed names the drivers, unless the record that has their names is lost: then it has the counts alone.
func closed(id uint64, r *swarm.Closed, targets []string) closedLine {
	n := swarm.Entry{Issued: &swarm.Issued{Targets: targets}, Closed: r}.Counts()
	l := closedLine{
		ID: id, Event: "closed", Seq: r.Seq, Node: r.Node, Status: string(r.Status()), ClosedAt: timestamp(r.ClosedAt), DurationMS: ms(r.Duration),
		Counts: countsJSON{len(r.Verdicts), n.Acked, n.Rejected, n.Superseded, n.Missing},
	}
	if len(targets) != len(r.Verdicts) {
		return l
	}
	for i, v := range r.Verdicts {
		switch id := targets[i]; v.Kind {
		case swarm.Acked:
			l.Acked = append(l.Acked, ackedJSON{id, ms(v.Latency)})
		case swarm.Rejected:
			l.Rejected = append(l.Rejected, rejectedJSON{id, ms(v.Latency), v.Code, v.Detail})
		case swarm.Superseded:
			l.Superseded = append(l.Superseded, supersededJSON{id})
		case swarm.Missing:
			l.Missing = append(l.Missing, missingJSON{id, string(v.Reason)})
		case swarm.Undecided:
		}
	}
	return l
}

func late(a swarm.LateAck) lateJSON {
	j := lateJSON{DriverID: a.DriverID, Status: "applied", LatencyMS: ms(a.Latency)}
	if !a.Reply.Applied {
		j.Status, j.Code, j.Detail = "rejected", a.Reply.Code, a.Reply.Detail
	}
	return j
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func logName(id string, epoch uint64) string { return fmt.Sprintf("%s.%d", id, epoch) }
