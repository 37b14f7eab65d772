package process_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/failpoint"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

const swarmSize = 4

// phase is a point in the processing of a command, and what may remain of the command after a kill there.
type phase struct {
	name string
	hits func(*rand.Rand) int // at which hit the server is killed
	// left reports whether that may remain; told drivers received the command from the killed server
	left func(logged bool, e entry, told, n int) bool
}

var phases = []phase{
	{failpoint.BeforeAppend, func(r *rand.Rand) int { return 1 + r.IntN(8) },
		func(logged bool, e entry, told, _ int) bool {
			// not logged: the append was the command's; logged: the append was its outcome's
			return !logged && told == 0 || logged && e.missingBy("server_restart")
		}},
	// Data that is not synced has reached the kernel, and survives the process.
	{failpoint.BeforeSync, func(r *rand.Rand) int { return 1 + r.IntN(8) },
		func(logged bool, e entry, told, n int) bool {
			return logged && (told == 0 && e.missingBy("server_restart") || told == n && e.Counts.Acked == n)
		}},
	{failpoint.AfterAppend, func(r *rand.Rand) int { return 1 + r.IntN(8) },
		func(logged bool, e entry, told, n int) bool {
			return logged && (told == 0 && e.missingBy("server_restart") || told == n && e.Counts.Acked == n)
		}},
	// The frame that answers each registration hits the failpoint too. The writers of the other half may be faster
	// than the signal.
	{failpoint.MidFanout, func(r *rand.Rand) int { return swarmSize*(1+r.IntN(3)) + swarmSize/2 },
		func(logged bool, e entry, told, n int) bool {
			return logged && told >= n/2 && e.missingBy("server_restart")
		}},
	{failpoint.BeforeClosed, func(r *rand.Rand) int { return 1 + r.IntN(4) },
		func(logged bool, e entry, told, n int) bool {
			return logged && told == n && e.missingBy("server_restart")
		}},
}

// TestKillInEachPhase kills the server at the failpoints and checks the result of the command that was in progress.
func TestKillInEachPhase(t *testing.T) {
	for _, p := range phases {
		t.Run(p.name, func(t *testing.T) {
			chance, seed := seeded(t)
			f := func(what string) tally { return tally{t: t, what: p.name + ": " + what, seed: seed} }
			c := &phaseRounds{
				t: t, phase: p, proxy: swarmtest.NewProxy(t), launch: launch{dir: t.TempDir()},
				meaning:   f("commands that came to something else than is documented"),
				outcome:   f("entries without an outcome after the restart"),
				once:      f("keys that did not lead to one entry, or commands applied twice"),
				converged: f("drivers that did not come to the desired load"),
			}
			c.client = newClient(c.proxy.URL())
			for round := range rounds(4, 50) {
				c.round(round, p.hits(chance))
				if t.Failed() {
					break
				}
			}
			for _, figure := range []*tally{&c.meaning, &c.outcome, &c.once, &c.converged} {
				figure.report()
			}
			t.Logf("%s: %d of %d drivers had the command before the kill", p.name, c.told, c.drivers)
		})
	}
}

type phaseRounds struct {
	t       *testing.T
	phase   phase
	proxy   *swarmtest.Proxy
	client  *client
	launch  launch
	told    int // drivers that had the command
	drivers int // of all rounds

	meaning, outcome, once, converged tally
}

func (c *phaseRounds) round(round, hit int) {
	c.t.Helper()
	doomed := c.launch
	doomed.failpoint = fmt.Sprintf("%s:%d", c.phase.name, hit)
	swarm, leave := swarm(c.t, c.proxy.URL(), swarmSize)
	defer leave()
	last := c.untilItDies(doomed, swarm, round)
	told := 0
	for _, d := range swarm {
		if last != nil && d.has(last.players) {
			told++
		}
	}
	c.told, c.drivers = c.told+told, c.drivers+len(swarm)
	if out, err := verify(c.t, c.launch.dir); err != nil && last != nil { // without a command there may be no log yet
		c.t.Errorf("round %d: %s", round, out)
	}
	s := c.launch.mustStart(c.t)
	c.proxy.Forward(s.Addr)
	log := c.client.entries(c.t, 0, "")
	for _, e := range log {
		c.outcome.trial(e.complete(), "round %d: %+v", round, e)
	}
	if last != nil {
		c.aftermath(*last, log, told, swarm, round)
	}
	leave()
	s.stop(c.t)
	c.proxy.Forward("")
}

// untilItDies issues commands until the server is dead and every driver has noticed. It returns the command that was
// never answered, or nil if the server did not even start to listen.
func (c *phaseRounds) untilItDies(doomed launch, swarm []*sdk, round int) *command {
	c.t.Helper()
	s, err := doomed.start(c.t)
	if err != nil {
		if s.Code() != -1 {
			c.t.Fatal(err)
		}
		return nil
	}
	c.proxy.Forward(s.Addr)
	eventually(c.t, patience, "every driver is active, or the server gone", func() bool {
		return s.Over() || newClient("http://"+s.Addr).active(c.t.Context()) == len(swarm)
	})
	for n := 1; n < 100; n++ {
		cmd := command{submitter: "ci", key: fmt.Sprintf("k-%d-%d", round, n), players: int64(1000*(round+1) + n)}
		a, err := c.client.post(c.t.Context(), cmd)
		if err == nil && a.accepted() {
			continue
		}
		c.proxy.Forward("")
		if !s.EndsWithin(patience) {
			c.t.Fatalf("round %d: the server lives, and answers %d %s, %v", round, a.status, a.body, err)
		}
		eventually(c.t, patience, "every driver has lost its session", func() bool {
			for _, d := range swarm {
				if _, lost := d.did(); lost == 0 {
					return false
				}
			}
			return true
		})
		return &cmd
	}
	c.t.Fatalf("round %d: the failpoint was not met by 100 commands", round)
	return nil
}

// aftermath checks the command that was never answered, sends it again, and waits until the drivers have applied it.
func (c *phaseRounds) aftermath(last command, log []entry, told int, swarm []*sdk, round int) {
	c.t.Helper()
	e, logged := entry{}, false
	for _, l := range log {
		if l.Command.Players == last.players {
			e, logged = l, true
		}
	}
	c.meaning.trial(c.phase.left(logged, e, told, len(swarm)), "round %d: logged %v, told %d: %+v", round, logged, told,
		e)
	eventually(c.t, patience, "a driver is active", func() bool { return c.client.active(c.t.Context()) > 0 })
	a, err := c.client.post(c.t.Context(), last)
	c.once.trial(err == nil && a.accepted() && a.replayed == logged && (!logged || a.entry.Seq == e.Seq),
		"round %d: %s after %+v, %v", round, a.body, e, err)
	for _, d := range swarm {
		came := within(patience, func() bool { return d.runs(last.players) })
		applied, lost := d.did()
		c.converged.trial(came, "round %d: %s does not run %d players, but %v; %d sessions lost", round, d.id,
			last.players, applied, lost)
		c.once.trial(!twice(applied), "round %d: %s applied one twice: %v", round, d.id, applied)
	}
}

func twice(applied []driver.Command) bool {
	seen := map[uint64]bool{}
	for _, a := range applied {
		if seen[a.Seq] {
			return true
		}
		seen[a.Seq] = true
	}
	return false
}
