package together

import (
	"fmt"
	"reflect"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// complete checks the log: Complete, Final, Bounded, and that no verdict contradicts its driver.
func (h *history) complete() (problems []string) {
	bad := func(e swarm.Entry, format string, args ...any) {
		problems = append(problems, fmt.Sprintf("seq %d: ", e.Seq)+fmt.Sprintf(format, args...))
	}
	for _, e := range h.log.Entries() {
		if e.Closed == nil {
			bad(e, "never closed")
			continue
		}
		n := e.Counts()
		if n.Targeted != n.Acked+n.Rejected+n.Superseded+n.Missing || n.Targeted != len(e.Closed.Verdicts) {
			bad(e, "counts %+v of %d verdicts", n, len(e.Closed.Verdicts))
		}
		if e.Closed.Duration > e.Issued.Deadline {
			bad(e, "lasted %v with a deadline of %v", e.Closed.Duration, e.Issued.Deadline)
		}
		if told, ok := h.answers[e.Seq]; ok && !reflect.DeepEqual(told.Closed, e.Closed) {
			bad(e, "told %+v, logged %+v", told.Closed, e.Closed)
		}
		problems = append(problems, h.truthful(e)...)
	}
	return append(problems, h.closedOnce()...)
}

// truthful compares verdicts and late answers with the drivers' real answers.
func (h *history) truthful(e swarm.Entry) (problems []string) {
	late := map[string]bool{}
	for i, v := range e.Closed.Verdicts {
		id := e.Issued.Targets[i]
		answered := h.process(id).results[e.Seq]
		if v.Kind == swarm.Acked && answered != wire.StatusApplied || v.Kind == swarm.Rejected &&
			answered != wire.StatusRejected {
			problems = append(problems, fmt.Sprintf("seq %d: %s has verdict %d but answered %q", e.Seq, id, v.Kind,
				answered))
		}
		late[id] = v.Kind == swarm.Missing
		told, ok := h.process(id).told[e.Seq]
		if silent := v.Reason == swarm.ReasonDeadline || v.Reason == swarm.ReasonUnresponsive; silent && ok &&
			told.Before(e.Closed.ClosedAt) {
			problems = append(problems, fmt.Sprintf("seq %d: %s is missing (%s) but answered at %v, before the close "+
				"at %v", e.Seq, id, v.Reason, told, e.Closed.ClosedAt))
		}
	}
	for _, ack := range e.Late {
		if !late[ack.DriverID] {
			problems = append(problems, fmt.Sprintf("seq %d: late answer of %s, which was not missing or is late twice",
				e.Seq, ack.DriverID))
		}
		late[ack.DriverID] = false
	}
	return problems
}

// closedOnce checks that records come in order: issued, closed once, then late.
func (h *history) closedOnce() (problems []string) {
	closed := map[uint64]bool{}
	for i, r := range h.log.Records() {
		switch r := r.(type) {
		case *swarm.Closed:
			if closed[r.Seq] || r.Seq > uint64(i) {
				problems = append(problems, fmt.Sprintf("record %d closes seq %d out of turn", i+1, r.Seq))
			}
			closed[r.Seq] = true
		case *swarm.Late:
			if !closed[r.Seq] {
				problems = append(problems, fmt.Sprintf("record %d is late for seq %d, which is open", i+1, r.Seq))
			}
		}
	}
	return problems
}

// ordered checks what every driver received: increasing seqs on a connection, each slot increasing over all
// connections, nothing that is not in the log, and nothing applied twice.
func (h *history) ordered() (problems []string) {
	records := h.log.Records()
	for _, p := range h.processes {
		p.mu.Lock()
		var last sighting
		newest := map[string]uint64{}
		for _, s := range p.seen {
			if s.session == last.session && s.seq <= last.seq {
				problems = append(problems, fmt.Sprintf("%s saw seq %d after %d", p.id, s.seq, last.seq))
			}
			if slot := slotOf(s.command); s.seq < newest[slot] {
				problems = append(problems,
					fmt.Sprintf("%s saw seq %d after %d of the same slot", p.id, s.seq, newest[slot]))
			} else {
				newest[slot] = s.seq
			}
			if !logged(records, s) {
				problems = append(problems,
					fmt.Sprintf("%s saw seq %d, %+v, which is not in the log", p.id, s.seq, s.command))
			}
			last = s
		}
		for seq, n := range p.times {
			if n > 1 {
				problems = append(problems, fmt.Sprintf("%s applied seq %d %d times", p.id, seq, n))
			}
		}
		p.mu.Unlock()
	}
	return problems
}

func logged(records []swarm.Record, s sighting) bool {
	if s.seq == 0 || s.seq > uint64(len(records)) {
		return false
	}
	switch r := records[s.seq-1].(type) {
	case *swarm.Issued:
		return string(r.Command.Type) == s.command.Type &&
			(s.command.Players == nil || *s.command.Players == r.Command.Value)
	case *swarm.Reset:
		return s.command.Type == "stop"
	}
	return false
}

// convergent folds the log in the simplest possible way and compares it with each driver's load and with State.
func (h *history) convergent() (problems []string) {
	state := h.r.State(swarm.StateQuery{})
	for _, d := range state.Drivers {
		if d.Kind() != swarm.DriftConverged {
			problems = append(problems, fmt.Sprintf("State: %s drifts by %v: %+v", d.DriverID, d.Reasons, d))
		}
	}
	for _, p := range h.processes {
		var want wire.State
		for _, r := range h.log.Records() {
			switch r := r.(type) {
			case *swarm.Reset:
				want.Players, want.Running = 0, false
			case *swarm.Issued:
				if !r.Target.Matches(p.id, nil) {
					continue
				}
				switch r.Command.Type {
				case command.Stop:
					want.Players, want.Running = 0, false
				case command.SetPlayers:
					want.Players, want.Running = r.Command.Value, true
				case command.SetSpawnDelay:
					want.SpawnDelayMS = r.Command.Value
				}
			}
		}
		p.mu.Lock()
		if p.state != want {
			problems = append(problems, fmt.Sprintf("%s is at %+v, want %+v", p.id, p.state, want))
		}
		p.mu.Unlock()
	}
	return problems
}

func (h *history) process(id string) *process {
	for _, p := range h.processes {
		if p.id == id {
			return p
		}
	}
	panic(id)
}
