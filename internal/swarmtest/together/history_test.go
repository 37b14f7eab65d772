package together

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// step is one event in a history.
type step struct {
	what    string
	driver  int
	mode    mode
	command swarm.Command
	all     bool // the command goes to every driver, not to driver alone
	ms      int
	seq     uint64
}

func (s step) String() string {
	return fmt.Sprintf("{%s driver:%d mode:%d %s %d all:%v ms:%d seq:%d}", s.what, s.driver, s.mode, s.command.Type,
		s.command.Value, s.all, s.ms, s.seq)
}

const driversOfAHistory = 3

func drawStep(t *rapid.T) step {
	what := rapid.SampledFrom([]string{
		"connect", "connect", "cut", "leave", "behave", "behave", "submit", "submit", "submit", "submit",
		"wait", "wait", "stray", "log fails", "log works",
	}).Draw(t, "what")
	s := step{what: what, driver: rapid.IntRange(0, driversOfAHistory-1).Draw(t, "driver")}
	switch what {
	case "behave":
		s.mode = mode(rapid.IntRange(0, int(deaf)).Draw(t, "mode"))
	case "submit":
		s.all = rapid.Bool().Draw(t, "all")
		s.ms = rapid.SampledFrom([]int{1, 50, 1000, 4000}).Draw(t, "deadline")
		s.command = rapid.SampledFrom([]swarm.Command{stop, players(0), players(5), players(9),
			{Type: command.SetSpawnDelay, Value: 7}}).Draw(t, "command")
	case "wait":
		s.ms = rapid.SampledFrom([]int{0, 1, 49, 50, 999, 1000, 2500, 11_000}).Draw(t, "ms")
	case "stray":
		s.seq = uint64(rapid.IntRange(1, 30).Draw(t, "seq"))
	}
	return s
}

// history is a world that steps act upon.
type history struct {
	*world
	t         *testing.T
	processes []*process
	waiting   sync.WaitGroup
	mu        sync.Mutex
	answers   map[uint64]swarm.Entry // what submitters were told
	logFailed bool                   // at some time
}

func (h *history) play(s step) {
	p := h.processes[s.driver]
	switch s.what {
	case "connect":
		if p.is(hung) || p.is(deaf) {
			break // it does nothing else either
		}
		if err := p.connect(); err != nil {
			h.t.Errorf("%s cannot connect: %v", p.id, err)
		}
	case "cut":
		p.cut()
	case "leave":
		p.say(wire.Encode(wire.Deregister{Type: wire.TypeDeregister}))
	case "behave":
		p.behave(s.mode)
	case "stray":
		if !p.is(hung) && !p.is(deaf) { // a driver that reads nothing answers nothing
			p.say(wire.AppendApplied(nil, s.seq))
		}
	case "log fails":
		h.logFailed = true
		h.log.FailWith(func() error { return swarm.Errorf(swarm.CodeLogUnavailable, "full") })
	case "log works":
		h.log.FailWith(nil)
	case "wait":
		swarmtest.Advance(time.Duration(s.ms) * time.Millisecond)
	case "submit":
		h.submitAsync(s)
	}
	synctest.Wait()
}

func (h *history) submitAsync(s step) {
	sub := submission(s.command, time.Duration(s.ms)*time.Millisecond)
	if !s.all {
		sub.Target.DriverIDs = []string{h.processes[s.driver].id}
	}
	h.waiting.Go(func() {
		e, err := h.submit(sub)
		if err == nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.answers[e.Seq] = e
		}
	})
}

// settle lets every process recover and reconnect.
func (h *history) settle() {
	h.log.FailWith(nil)
	for _, p := range h.processes {
		p.behave(acks)
	}
	swarmtest.Advance(time.Second)
	synctest.Wait()
	for _, p := range h.processes {
		if !p.connected() || p.rejectedSome() {
			if err := p.connect(); err != nil {
				h.t.Errorf("%s cannot come back: %v", p.id, err)
			}
		}
	}
	swarmtest.Advance(2 * time.Second)
	synctest.Wait()
}

func (p *process) is(m mode) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode == m
}

func (p *process) rejectedSome() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

// playHistory plays steps in a bubble and returns what is wrong.
func playHistory(t *testing.T, steps []step) (problems []string) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{world: open(t), t: t, answers: map[uint64]swarm.Entry{}}
		net := swarmtest.Serve(t, h.handler())
		for i := range driversOfAHistory {
			h.processes = append(h.processes,
				newProcess(fmt.Sprintf("d-%d", i), net.Client(), "ws://127.0.0.1/drivers/connect"))
		}
		for _, p := range h.processes[1:] { // the first connects later, if at all
			if err := p.connect(); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		for _, s := range steps {
			h.play(s)
		}
		h.settle()
		problems = append(problems, h.convergent()...)
		h.log.FailWith(nil)
		swarmtest.Advance(4 * time.Second) // the longest deadline
		h.waiting.Wait()
		problems = append(problems, h.ordered()...)
		h.stop()
		for _, p := range h.processes {
			p.end(t)
		}
		problems = append(problems, h.complete()...)
	})
	return problems
}

// TestHistories plays random histories of three drivers that connect, disconnect, deregister, hang, hold, refuse and
// send unrequested answers, while commands are submitted and the log sometimes fails, and checks Complete, Final,
// Ordered, Bounded and Convergent.
func TestHistories(t *testing.T) {
	checks, seed := historiesToPlay(), seedFlag()
	setFlag(t, "rapid.checks", strconv.Itoa(checks))
	setFlag(t, "rapid.seed", strconv.FormatInt(seed, 10))
	histories, commands := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 8, 24).Draw(rt, "steps")
		problems := playHistory(t, steps)
		if len(problems) > 0 {
			rt.Fatalf("%v\n%v", problems, steps)
		}
		histories++
		for _, s := range steps {
			if s.what == "submit" {
				commands++
			}
		}
	})
	t.Logf("%d histories with %d commands, rapid.seed %d: 0 violations", histories, commands, seed)
}

// historiesToPlay returns how many histories a test plays.
func historiesToPlay() int {
	switch {
	case os.Getenv("SWARMCALL_SOAK") == "1": // make soak
		return 100_000
	case testing.Short() || raceEnabled:
		return 500
	}
	return 10_000
}

func seedFlag() int64 {
	if given := flag.Lookup("rapid.seed").Value.String(); given != "0" {
		seed, _ := strconv.ParseInt(given, 10, 64)
		return seed
	}
	return time.Now().UnixNano()
}

func setFlag(t *testing.T, name, value string) {
	old := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, old) })
}
