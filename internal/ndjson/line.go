// Package ndjson is the export format of log records: one line of JSON per record. Names are those of api/openapi.yaml;
// id and event are those of GET /commands/stream. GET /commands/export, `swarmcall log export` and webhooks share it.
package ndjson

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Line returns the line of a record, including its newline. targets are the targets of the record's entry; without
// them, the line of an outcome has only the counts.
func Line(s swarm.Stored, targets []string) []byte {
	b, err := json.Marshal(shape(s, targets), jsontext.EscapeForHTML(false))
	if err != nil {
		// text is checked before it is stored, and again when it is read
		panic("cannot encode a record as JSON: " + err.Error())
	}
	return append(b, '\n')
}

func shape(s swarm.Stored, targets []string) any {
	switch r := s.Record.(type) {
	case *swarm.Issued:
		return issuedLine{
			ID: s.Position, Event: "issued", Seq: s.Position, Node: r.Node, Submitter: r.Submitter,
			Command: r.Command.Fields(),
			Target:  targetJSON{r.Target.DriverIDs, r.Target.Labels}, Targets: r.Targets,
			SubmittedAt: Timestamp(r.SubmittedAt),
			DeadlineMS:  r.Deadline.Milliseconds(), Split: split(r), Cause: r.Cause, IdempotencyKey: r.Key,
			IfSeq: ifSeq(r), LeftOut: leftOut(r), Via: (*viaJSON)(r.CameVia()),
		}
	case *swarm.Closed:
		return closed(s.Position, r, targets)
	case *swarm.Late:
		l := lateLine{ID: s.Position, Event: "late", Seq: r.Seq, Node: r.Node, At: Timestamp(r.At)}
		for _, a := range r.Acks {
			l.Late = append(l.Late, late(a))
		}
		return l
	case *swarm.Reset:
		return reset(s.Position, r)
	case *swarm.Expired:
		return expiredLine{
			ID: s.Position, Event: "expired", Node: r.Node, At: Timestamp(r.At), Replaced: r.Replaced,
			Target: targetJSON{r.Target.DriverIDs, r.Target.Labels}, Cause: r.Cause,
		}
	default:
		return nil
	}
}

func reset(id uint64, r *swarm.Reset) resetLine {
	l := resetLine{ID: id, Event: "reset", Node: r.Node, At: Timestamp(r.At), Cause: r.Cause}
	if r.LogID != "" {
		l.LogID = fmt.Sprintf("%s.%d", r.LogID, r.Epoch)
	}
	for _, s := range r.Lost {
		l.Lost = append(l.Lost, spanJSON(s))
	}
	return l
}

func split(r *swarm.Issued) (parts []command.Part) {
	for i, n := range r.Split {
		parts = append(parts, command.Part{DriverID: r.Targets[i], Type: r.Command.Type, Value: n})
	}
	return parts
}

func ifSeq(r *swarm.Issued) *uint64 {
	if r.Condition == nil {
		return nil
	}
	return &r.Condition.IfSeq
}

func leftOut(r *swarm.Issued) (list []leftOutJSON) {
	for _, l := range r.LeftOut {
		list = append(list, leftOutJSON{l.DriverID, string(l.Reason)})
	}
	return list
}

// closed names the drivers, unless the record with their names is lost: then it has only the counts.
func closed(id uint64, r *swarm.Closed, targets []string) closedLine {
	n := swarm.Entry{Issued: &swarm.Issued{Targets: targets}, Closed: r}.Counts()
	l := closedLine{
		ID: id, Event: "closed", Seq: r.Seq, Node: r.Node, Status: string(r.Status()), ClosedAt: Timestamp(r.ClosedAt),
		DurationMS: ms(r.Duration),
		Counts:     countsJSON{len(r.Verdicts), n.Acked, n.Rejected, n.Superseded, n.Missing},
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

// Timestamp is how lines write a time.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
