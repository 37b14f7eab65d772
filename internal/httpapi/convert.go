package httpapi

import (
	"encoding/json"
	"math"
	"time"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/api/timestamp"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// detail is how much of an entry is included in an answer.
type detail int

const (
	whole   detail = iota
	minimal        // without acked, and the first itemVerdicts of a split
	asItem         // without acked, and the first itemVerdicts of each other list
)

const itemVerdicts = 100

// submissionOf converts a body that matches the OpenAPI document.
func submissionOf(body *api.CommandRequest, deadline time.Duration) (swarm.Submission, error) {
	c, err := commandOf(body.Command)
	if err != nil {
		return swarm.Submission{}, err
	}
	s := swarm.Submission{Submitter: swarm.Anonymous, Command: c, Deadline: deadline}
	if body.Submitter != nil {
		s.Submitter = *body.Submitter
	}
	if body.DeadlineMs != nil {
		s.Deadline = time.Duration(*body.DeadlineMs) * time.Millisecond
	}
	if t := body.Target; t != nil {
		s.Target = swarm.Target{DriverIDs: deref(t.DriverIds), Labels: deref(t.Labels)}
	}
	if body.MinDrivers != nil {
		s.MinDrivers = int(*body.MinDrivers)
	}
	if body.IfSeq != nil {
		seq := uint64(*body.IfSeq)
		s.IfSeq = &seq
	}
	return s, nil
}

func commandOf(c api.Command) (out swarm.Command, err error) {
	b, err := c.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	return out, err
}

// commandTo encodes the union by hand: the generated code merges each command with its type in a map, which takes
// longer than the rest of an entry.
func commandTo(c swarm.Command) (out api.Command) {
	b, err := json.Marshal(c.Fields())
	if err == nil {
		err = out.UnmarshalJSON(b)
	}
	if err != nil {
		panic("cannot encode a command as JSON: " + err.Error()) // numbers and checked text can always be encoded
	}
	return out
}

func reportTo(r swarm.Report) api.DriverReport {
	return api.DriverReport{Players: r.Players, SpawnDelayMs: r.SpawnDelayMS, Running: r.Running}
}

func entryOf(e swarm.Entry, d detail) api.Entry {
	n := e.Counts()
	out := api.Entry{
		Seq: int64(e.Seq), Submitter: e.Issued.Submitter, Command: commandTo(e.Issued.Command),
		Target: targetTo(e.Issued.Target),
		Status: api.Status(e.Status()), SubmittedAt: timestamp.Of(e.Issued.SubmittedAt),
		DeadlineMs: e.Issued.Deadline.Milliseconds(),
		Counts: api.Counts{
			Targeted: n.Targeted, Acked: n.Acked, Rejected: n.Rejected, Superseded: n.Superseded, Missing: n.Missing,
			Late: n.Late,
		},
		Rejected: []api.Rejected{}, Superseded: []api.Superseded{}, Missing: []api.Missing{}, Late: []api.Late{},
	}
	if e.Closed != nil {
		at, took := timestamp.Of(e.Closed.ClosedAt), milliseconds(e.Closed.Duration)
		out.ClosedAt, out.DurationMs = &at, &took
	}
	most := math.MaxInt
	if d == asItem {
		most = itemVerdicts
	}
	addIssued(&out, e, most, min(most, splitMost(d)))
	addVerdicts(&out, e, d == whole, n.Acked, most)
	for _, l := range e.Late[:min(len(e.Late), most)] {
		out.Late = append(out.Late, lateTo(l))
	}
	return out
}

// addIssued adds what the server decided when it issued a command: the shares of a total, the drivers left out, and the
// condition.
func addIssued(out *api.Entry, e swarm.Entry, most, mostSplit int) {
	i := e.Issued
	out.Cause, out.Via = optional(i.Cause), viaTo(i.CameVia())
	out.Split, out.Shortfall = splitTo(i, e.Shortfall(), mostSplit)
	if n := e.LeftOut(); n > 0 {
		list := leftOutTo(i.LeftOut[:min(len(i.LeftOut), most)])
		out.LeftOut, out.Counts.LeftOut = &list, &n
	}
	if i.Condition != nil {
		seq := int64(i.Condition.IfSeq)
		out.IfSeq = &seq
	}
}

// splitMost is how much of a split is included. A split names every target, as acked does, so the minimal form does not
// include all of it.
func splitMost(d detail) int {
	if d == whole {
		return math.MaxInt
	}
	return itemVerdicts
}

// splitTo adds the shares of a total, and its shortfall.
func splitTo(i *swarm.Issued, short int64, most int) (split *[]api.SplitPart, shortfall *int64) {
	if !i.Command.Total {
		return nil, nil
	}
	parts := make([]api.SplitPart, min(len(i.Split), most))
	for at := range parts {
		parts[at] = api.SplitPart{DriverId: i.Targets[at], Players: i.Split[at]}
	}
	return &parts, &short
}

// addVerdicts fills the lists of an entry, each up to the given length.
func addVerdicts(out *api.Entry, e swarm.Entry, withAcked bool, acked, most int) {
	ack := []api.Acked{}
	if withAcked {
		ack = make([]api.Acked, 0, acked)
	}
	if e.Closed != nil {
		for i, v := range e.Closed.Verdicts {
			id := e.Issued.Targets[i]
			switch v.Kind {
			case swarm.Acked:
				if withAcked {
					ack = append(ack, api.Acked{DriverId: id, LatencyMs: milliseconds(v.Latency)})
				}
			case swarm.Rejected:
				out.Rejected = upTo(most, out.Rejected, api.Rejected{
					DriverId: id, LatencyMs: milliseconds(v.Latency), Code: v.Code, Detail: v.Detail,
				})
			case swarm.Superseded:
				out.Superseded = upTo(most, out.Superseded, api.Superseded{DriverId: id})
			case swarm.Missing:
				out.Missing = upTo(most, out.Missing, api.Missing{DriverId: id, Reason: api.MissingReason(v.Reason)})
			case swarm.Undecided:
			}
		}
	}
	if withAcked {
		out.Acked = &ack
	}
}

func upTo[T any](most int, list []T, v T) []T {
	if len(list) < most {
		list = append(list, v)
	}
	return list
}

func lateTo(l swarm.LateAck) api.Late {
	out := api.Late{DriverId: l.DriverID, Status: api.LateStatusApplied, LatencyMs: milliseconds(l.Latency)}
	if !l.Reply.Applied {
		out.Status, out.Code, out.Detail = api.LateStatusRejected, optional(l.Reply.Code), optional(l.Reply.Detail)
	}
	return out
}

func targetTo(t swarm.Target) (out api.Target) {
	if len(t.DriverIDs) > 0 {
		out.DriverIds = &t.DriverIDs
	}
	if len(t.Labels) > 0 {
		labels := api.Labels(t.Labels)
		out.Labels = &labels
	}
	return out
}

func driverTo(d swarm.Driver) api.Driver {
	out := api.Driver{
		DriverId: d.ID, State: api.DriverState(d.State), Labels: api.Labels{}, Version: d.Version,
		Capabilities: []string{},
		ConnectedAt:  timestamp.Of(d.ConnectedAt), RemoteAddr: d.RemoteAddr,
		HeartbeatAgeMs: d.HeartbeatAge.Milliseconds(),
		AppliedSeq:     int64(d.AppliedSeq), Metrics: map[string]float64{},
		Reported: reportTo(d.Reported), Unresponsive: d.Unresponsive, RttMs: milliseconds(d.RTT),
		LeaseLost: d.LeaseLost,
	}
	out.Weight, out.MaxPlayers = shareTo(d.Share)
	if len(d.Labels) > 0 {
		out.Labels = d.Labels
	}
	if len(d.Capabilities) > 0 {
		out.Capabilities = d.Capabilities
	}
	if len(d.Metrics) > 0 {
		out.Metrics = d.Metrics
	}
	if c := d.Conflict; c != nil {
		out.Conflict = &api.DriverConflict{RemoteAddrs: c.RemoteAddrs[:], Takeovers: c.Takeovers}
	}
	if d.LastAck != nil {
		out.LastAck = &api.LastAck{Seq: int64(d.LastAck.Seq), LatencyMs: milliseconds(d.LastAck.Latency)}
	}
	return out
}

// shareTo returns a driver's share of a total. Its weight is kept in thousandths.
func shareTo(s swarm.Share) (weight *float64, most *int64) {
	if s.Weight > 0 {
		weight = new(float64(s.Weight) / 1000)
	}
	if s.Cap > 0 {
		most = &s.Cap
	}
	return weight, most
}

// milliseconds rounds to microseconds: more digits would be noise.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
