package process_test

import (
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// readLimit is the number of entries that a read of the history asks for.
const readLimit = 5

// stored is an entry of a submitter's part of the log, as the model has it.
type stored struct {
	seq     uint64
	players int64
	key     string
}

// part is a submitter's part of the log: appends go to its end, a key leads to one entry, reads see its end. For an
// append with an unknown answer, the log that was read later shows whether it left an entry; it may have taken effect
// at any time between its call and then. One that left none is not in the history: if a client had seen its entry, no
// order would explain that.
var part = porcupine.Model{
	Init: func() any { return []stored(nil) },
	Step: func(state, input, output any) (bool, any) {
		before, o, seq := state.([]stored), input.(op), output.(uint64)
		if o.read {
			return sameEnd(before, o.items), before
		}
		c := o.command
		if at := slices.IndexFunc(before, func(s stored) bool { return c.key != "" && s.key == c.key }); at >= 0 {
			return before[at].seq == seq && (o.unknown || o.answer.replayed), before
		}
		grows := len(before) == 0 || before[len(before)-1].seq < seq
		mayReplay := o.unknown || o.tries > 1 // of an earlier try of the same call, whose answer was lost
		return grows && (mayReplay || !o.answer.replayed), append(slices.Clip(before), stored{seq, c.players, c.key})
	},
	Equal: func(a, b any) bool { return slices.Equal(a.([]stored), b.([]stored)) },
}

func sameEnd(have []stored, items []entry) bool {
	if len(items) != min(readLimit, len(have)) {
		return false
	}
	for i, e := range items {
		if s := have[len(have)-1-i]; s.seq != e.Seq || s.players != e.Command.Players {
			return false
		}
	}
	return true
}

// linearizable reports whether one order explains what the clients of a submitter saw, given what is in the log
// afterwards.
func linearizable(ops []op, log map[int64]entry) porcupine.CheckResult {
	var events []porcupine.Operation
	for _, o := range ops {
		e, logged := log[o.command.players]
		if o.refused || o.unknown && (o.read || !logged) {
			continue
		}
		seq, end := o.answer.entry.Seq, o.done
		if o.unknown {
			seq, end = e.Seq, time.Hour
		}
		events = append(events, porcupine.Operation{
			ClientId: o.writer, Input: o, Call: int64(o.call), Output: seq, Return: int64(end),
		})
	}
	return porcupine.CheckOperationsTimeout(part, events, 30*time.Second)
}
