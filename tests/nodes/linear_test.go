package nodes_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// known is what the model of a target knows: its commands, oldest first.
type known struct {
	seq uint64
	key string
}

// after returns a model of what one target has of the log after a position: commands go to its end; a key leads to one
// command; a condition holds if no command is newer than it. All calls have a final answer, because they have keys and
// are repeated.
func after(newest uint64) porcupine.Model {
	return porcupine.Model{
		Init:  func() any { return []known{{seq: newest}} },
		Step:  func(state, input, output any) (bool, any) { return step(state.([]known), input.(op), output.(answer)) },
		Equal: func(a, b any) bool { return slices.Equal(a.([]known), b.([]known)) },
	}
}

func step(before []known, o op, a answer) (legal bool, next []known) {
	newest := before[len(before)-1].seq
	holds := o.command.ifSeq == nil || newest <= *o.command.ifSeq
	at := slices.IndexFunc(before, func(k known) bool { return k.key == o.command.name() })
	switch {
	case a.status == http.StatusPreconditionFailed:
		return at < 0 && !holds, before
	case at >= 0:
		return before[at].seq == a.entry.Seq && a.replayed, before
	case !holds, a.entry.Seq <= newest:
		return false, before
	case a.replayed && o.tries == 1: // else of an earlier try, whose answer was lost
		return false, before
	}
	return true, append(slices.Clip(before), known{a.entry.Seq, o.command.name()})
}

// linearizable checks that one order explains the answers about each target. Earlier calls say what it had before.
func linearizable(t *testing.T, earlier, ops []op) {
	t.Helper()
	newest := map[string]uint64{}
	for _, o := range earlier {
		newest[o.target] = max(newest[o.target], o.answer.entry.Seq)
	}
	byTarget := map[string][]porcupine.Operation{}
	for _, o := range ops {
		byTarget[o.target] = append(byTarget[o.target], porcupine.Operation{
			ClientId: o.writer, Input: o, Call: int64(o.call), Output: o.answer, Return: int64(o.done),
		})
	}
	for target, ops := range byTarget {
		if result := porcupine.CheckOperationsTimeout(after(max(newest[target], 1)), ops, time.Minute); result != porcupine.Ok {
			t.Errorf("the history of %d calls about %s is %s:%s", len(ops), target, result, story(ops))
		}
	}
}

// story lists calls, for a person who looks for what is wrong.
func story(ops []porcupine.Operation) (text string) {
	for _, p := range ops {
		o, condition := p.Input.(op), "none"
		if o.command.ifSeq != nil {
			condition = fmt.Sprint(*o.command.ifSeq)
		}
		text += fmt.Sprintf("\n%v to %v, writer %d, key %s, if_seq %s, try %d at n%d: %d, seq %d, replayed %v", o.call, o.done,
			o.writer, o.command.key, condition, o.tries, o.at+1, o.answer.status, o.answer.entry.Seq, o.answer.replayed)
	}
	return text
}

// TestTheModelRefuses shows that the model can tell right from wrong.
func TestTheModelRefuses(t *testing.T) {
	call := func(key string, ifSeq *uint64, status int, seq uint64, replayed bool, at int64) porcupine.Operation {
		a := answer{status: status, replayed: replayed}
		a.entry.Seq = seq
		o := op{command: command{key: key, ifSeq: ifSeq}, tries: 1}
		return porcupine.Operation{Input: o, Output: a, Call: at, Return: at + 1}
	}
	one := uint64(1)
	good := []porcupine.Operation{
		call("a", nil, 201, 1, false, 0), call("a", nil, 201, 1, true, 2), call("b", &one, 201, 3, false, 4),
		call("c", &one, 412, 0, false, 6),
	}
	if !porcupine.CheckOperations(after(0), good) {
		t.Error("it refuses what is right")
	}
	for what, bad := range map[string]porcupine.Operation{
		"a key that leads to two entries":         call("a", nil, 201, 5, false, 8),
		"a key whose repeat is not one":           call("a", nil, 201, 1, false, 8),
		"a condition that does not hold":          call("d", &one, 201, 5, false, 8),
		"a refusal of a condition that holds":     call("d", new(uint64(3)), 412, 0, false, 8),
		"a command before one that was answered":  call("d", nil, 201, 2, false, 8),
		"a repeat of what was never there before": call("d", nil, 201, 5, true, 8),
	} {
		if porcupine.CheckOperations(after(0), append(slices.Clone(good), bad)) {
			t.Errorf("it takes %s", what)
		}
	}
}
