package plan

import (
	"context"
	"fmt"
	"strings"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// Summary describes a plan in lines: its length and peak, and each stage. The peak of all drivers is known only with
// their number; a number below 0 means unknown.
func (p *Plan) Summary(drivers int) []string {
	head := fmt.Sprintf("plan %q for %s: %s, %v long", p.Name, p.drivers(), stages(len(p.Stages)), p.length())
	if p.waits() {
		head += " plus waiting time"
	}
	lines := []string{head + "; peak: " + p.peak(drivers)}
	for i, s := range p.Stages {
		lines = append(lines, fmt.Sprintf("  %d  %s", i+1, s.text()))
	}
	return lines
}

func stages(n int) string {
	if n == 1 {
		return "1 stage"
	}
	return fmt.Sprintf("%d stages", n)
}

// length returns the time of holds and ramps. Acks and waits for drivers are extra.
func (p *Plan) length() (total time.Duration) {
	for _, s := range p.Stages {
		switch {
		case s.Hold != nil:
			total = min(total+min(*s.Hold, century), century)
		case s.Ramp != nil:
			total = min(total+s.Ramp.length(), century)
		}
	}
	return total
}

func (p *Plan) waits() bool {
	for _, s := range p.Stages {
		if s.Wait != nil {
			return true
		}
	}
	return false
}

// length returns the time between the first step and the last; it is bounded to centuries.
func (r *Ramp) length() time.Duration {
	gaps := r.count() - 1
	if gaps > int64(century/r.Every) {
		return century
	}
	return time.Duration(gaps) * r.Every
}

const century = 100 * 365 * 24 * time.Hour

// peak returns the maximum of players: on each driver, and in total.
func (p *Plan) peak(drivers int) string {
	var each, total int64
	for _, s := range p.Stages {
		switch {
		case s.Set != nil && s.Set.Players != nil:
			each = max(each, *s.Set.Players)
		case s.Set != nil && s.Set.Total != nil:
			total = max(total, *s.Set.Total)
		case s.Ramp != nil && s.Ramp.Total:
			total = max(total, s.Ramp.From, s.Ramp.To)
		case s.Ramp != nil:
			each = max(each, s.Ramp.From, s.Ramp.To)
		}
	}
	var parts []string
	if each > 0 || total == 0 {
		text := fmt.Sprintf("%d players per driver", each)
		if drivers > 0 {
			text += fmt.Sprintf(", %d on %s", each*int64(drivers), verdict.Drivers(drivers))
		}
		parts = append(parts, text)
	}
	if total > 0 {
		parts = append(parts, fmt.Sprintf("%d players in total", total))
	}
	return strings.Join(parts, "; ")
}

// text describes a stage.
func (s *Stage) text() string {
	switch {
	case s.Wait != nil:
		return fmt.Sprintf("wait for %s, at most %v", verdict.Drivers(s.Wait.Drivers), s.Wait.Timeout)
	case s.Set != nil && s.Set.Total != nil:
		return fmt.Sprintf("set %d players in total", *s.Set.Total)
	case s.Set != nil:
		return fmt.Sprintf("set %d players per driver", *s.Set.Players)
	case s.SpawnDelay != nil:
		return fmt.Sprintf("spawn delay %v, per driver", *s.SpawnDelay)
	case s.Hold != nil:
		return fmt.Sprintf("hold for %v", *s.Hold)
	case s.Ramp != nil:
		whose := "per driver"
		if s.Ramp.Total {
			whose = "in total"
		}
		return fmt.Sprintf("ramp from %d to %d players %s in %d steps, one every %v: %v",
			s.Ramp.From, s.Ramp.To, whose, s.Ramp.count(), s.Ramp.Every, s.Ramp.length())
	}
	return "nothing"
}

// Matching counts the drivers that match a plan, by state. If there are none, it lists the labels and ids in use.
func (p *Plan) Matching(ctx context.Context, c *remote.Client) (active int, text string, err error) {
	states, err := p.roster(ctx, c)
	if err != nil {
		return 0, "", err
	}
	active = count(states, api.DriverStateActive)
	text = verdict.Drivers(active) + " active"
	for _, state := range []api.DriverState{api.DriverStateStale, api.DriverStateDisconnected} {
		if n := count(states, state); n > 0 {
			text += fmt.Sprintf(", %d %s", n, state)
		}
	}
	if aim := p.Aim(); len(states) == 0 && aim != nil {
		if lines := c.InUse(ctx, *aim); len(lines) > 0 {
			text += "; " + strings.Join(lines, "; ")
		}
	}
	return active, text, nil
}
