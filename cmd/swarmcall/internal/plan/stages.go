package plan

import (
	"cmp"
	"fmt"
	"iter"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/command"
)

// step is one action of a run: it waits for drivers, sends a command, or holds the load.
type step struct {
	name      string
	onMissing string
	wait      *Wait
	command   *remote.Command
	hold      *hold
	between   bool // a hold between two steps of a ramp: the time that the step has waited for drivers counts
}

// steps yields the actions of a run in order. A ramp may have very many, so they are made one by one.
func (p *Plan) steps() iter.Seq[step] {
	return func(yield func(step) bool) {
		for i, s := range p.Stages {
			st := step{
				name: fmt.Sprintf("stage %d/%d", i+1, len(p.Stages)), wait: s.Wait,
				onMissing: cmp.Or(s.OnMissing, p.OnMissing),
			}
			switch {
			case s.Set != nil:
				st.command = setPlayers(s.Set.Players, s.Set.Total)
			case s.SpawnDelay != nil:
				st.command = setDelay(*s.SpawnDelay)
			case s.Hold != nil:
				st.hold = st.holding(*s.Hold)
				st.hold.last, st.hold.sums = i == len(p.Stages)-1, true
			case s.Ramp != nil:
				if !s.Ramp.steps(st, yield) {
					return
				}
				continue
			}
			if !yield(st) {
				return
			}
		}
	}
}

func (st step) holding(d time.Duration) *hold {
	return &hold{name: st.name, limit: d, onMissing: st.onMissing}
}

// steps yields a command for each value, with a hold after each but the last.
func (r *Ramp) steps(stage step, yield func(step) bool) bool {
	n, all := int64(0), r.count()
	for v := range r.Values() {
		n++
		send, between := stage, stage
		send.name = fmt.Sprintf("%s, step %d/%d", stage.name, n, all)
		if send.command = setPlayers(&v, nil); r.Total {
			send.command = setPlayers(nil, &v)
		}
		between.hold, between.between = stage.holding(r.Every), true
		if !yield(send) || n < all && !yield(between) {
			return false
		}
	}
	return true
}

// Values yields the players of each step, from From by Step until To.
func (r *Ramp) Values() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for v := r.From; yield(v) && v != r.To; {
			if r.To > v {
				v = min(v+r.Step, r.To)
			} else {
				v = max(v-r.Step, r.To)
			}
		}
	}
}

// count returns the number of values.
func (r *Ramp) count() int64 {
	way := max(r.To-r.From, r.From-r.To)
	return (way+r.Step-1)/r.Step + 1
}

func setPlayers(each, total *int64) *remote.Command {
	if total != nil {
		return &remote.Command{Type: command.SetPlayers, Value: *total, Total: true}
	}
	return &remote.Command{Type: command.SetPlayers, Value: *each}
}

func setDelay(d time.Duration) *remote.Command {
	return &remote.Command{Type: command.SetSpawnDelay, Value: d.Milliseconds()}
}

// isLevel reports whether a command sets a level of load, 0 included.
func isLevel(c remote.Command) bool {
	row, _ := c.Type.Row()
	return row.Level
}
