package process_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// backIn is how soon a driver that is back has to be at 0 players.
const backIn = 2 * time.Second

// TestStopMissedByProcesses disconnects driver processes in three ways (their connections are reset, they are suspended
// by SIGSTOP, they are killed and started again), stops the swarm meanwhile, and lets them reconnect: none continues to
// run.
func TestStopMissedByProcesses(t *testing.T) {
	m := newMissed(t)
	for round := range rounds(1, 20) {
		calm(t, func(broken func(string, ...any)) { m.round(round, broken) })
	}
	for _, c := range []*tally{&m.runners, &m.told} {
		c.report()
	}
	t.Logf("%d of %d drivers missed each Stop; at 0 players after they were back: reset at most %v, SIGSTOP %v, "+
		"restarted %v",
		len(m.reset)+len(m.paused)+len(m.restarts), m.n, m.worst["reset"], m.worst["SIGSTOP"], m.worst["restart"])
}

// missed is a swarm of processes, grouped by what happens to them. The first one of each language stays connected.
type missed struct {
	*world
	n                       int
	gate                    *swarmtest.Proxy // proxy of those whose connections are reset
	reset, paused, restarts []*program

	worst         map[string]time.Duration
	runners, told tally
}

func newMissed(t *testing.T) *missed {
	t.Helper()
	m := &missed{
		world: newWorld(t, 0), gate: swarmtest.NewProxy(t), worst: map[string]time.Duration{},
		runners: tally{t: t, what: "drivers that run on after a Stop they missed"},
		told:    tally{t: t, what: "Stops that count a driver that is away, or miss one that is there"},
	}
	m.gate.Forward(m.server.Addr)
	for _, e := range examples(t) {
		for kind, group := range map[string]*[]*program{"reset": &m.reset, "paused": &m.paused,
			"restarted": &m.restarts} {
			url := m.proxy.URL()
			if kind == "reset" {
				url = m.gate.URL()
			}
			*group = append(*group, e.run(t, e.name+"-"+kind, url))
		}
		e.run(t, e.name+"-stays", m.proxy.URL())
		m.n += 4
	}
	m.converged(m.n, "after they have registered")
	return m
}

func (m *missed) round(round int, broken func(string, ...any)) {
	m.t.Helper()
	m.load(m.n)
	m.takeAway()
	stays := m.n - len(m.reset) - len(m.paused) - len(m.restarts)
	a, err := m.client.post(m.t.Context(), command{submitter: "ops", stop: true})
	m.told.trial(err == nil && a.entry.Counts.Targeted == stays && a.entry.Counts.Acked == stays, "round %d: %d %s %v",
		round, a.status, a.body, err)
	back := func(how string, group []*program, bring func(*program)) {
		for id, took := range m.comeBack(how, group, bring) {
			if m.worst[how] = max(m.worst[how], took).Round(time.Millisecond); took > backIn {
				broken("%s: %s is at 0 players %v after it is back", how, id, took)
			}
		}
	}
	back("SIGSTOP", m.paused, func(p *program) { p.Signal(syscall.SIGCONT) })
	m.gate.Forward(m.server.Addr)
	back("reset", m.reset, func(*program) {})
	back("restart", m.restarts, (*program).start)
	m.converged(m.n, "after everybody is back")
	for _, d := range m.state().Drivers {
		m.runners.trial(d.stopped(), "round %d: %+v", round, d)
	}
}

// takeAway disconnects the drivers, and returns when the server shows them as such.
func (m *missed) takeAway() {
	m.t.Helper()
	m.gate.Forward("")
	m.gate.Cut()
	for _, p := range m.restarts {
		p.Kill()
	}
	for _, p := range m.paused {
		p.Suspend()
	}
	eventually(m.t, patience, "they are away", func() bool {
		s, away := m.state(), 0
		for _, d := range s.Drivers {
			if d.State != "active" {
				away++
			}
		}
		return away == len(m.reset)+len(m.paused)+len(m.restarts)
	})
}

// comeBack brings drivers back and returns how long each took to reach 0 players after that. The time starts at
// SIGCONT, or when the server shows the driver as active again: the start of a runtime and the connection are not
// measured.
func (m *missed) comeBack(how string, group []*program, bring func(*program)) (took map[string]time.Duration) {
	m.t.Helper()
	back := map[string]time.Time{}
	for _, p := range group {
		if bring(p); how == "SIGSTOP" {
			back[p.id] = time.Now()
		}
	}
	took = map[string]time.Duration{}
	eventually(m.t, patience, how+": everybody is back, at 0 players", func() bool {
		s, now := m.state(), time.Now()
		for _, p := range group {
			d := s.of(p.id)
			if _, is := back[p.id]; !is && d.State == "active" {
				back[p.id] = now
			}
			if _, is := took[p.id]; !is && d.stopped() {
				took[p.id] = now.Sub(back[p.id])
			}
		}
		return len(took) == len(group)
	})
	return took
}
