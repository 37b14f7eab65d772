package together

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"pgregory.net/rapid"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// teamStep is one event on a server that several teams share.
type teamStep struct {
	what      string
	driver    int
	mode      mode
	command   swarm.Command
	target    swarm.Target
	submitter string
	condition string // "", "own", "newest" or "never": what if_seq names
	seconds   int
}

func (d teamStep) String() string {
	switch d.what {
	case "submit":
		return fmt.Sprintf("%s:%s %d total:%v %v if:%q", d.submitter, d.command.Type, d.command.Value, d.command.Total,
			d.target, d.condition)
	case "wait":
		return fmt.Sprintf("wait %ds", d.seconds)
	case "behave":
		return fmt.Sprintf("d-%d mode %d", d.driver, d.mode)
	case "restart", "forge":
		return d.what
	}
	return fmt.Sprintf("%s d-%d", d.what, d.driver)
}

// teamDrivers are the drivers of a history: one of each team, one with both labels, and one with none.
var teamDrivers = []map[string]string{{"region": "eu"}, {"team": "b"}, {"region": "eu", "team": "b"}, nil}

var teamTargets = []swarm.Target{
	{}, {Labels: map[string]string{"region": "eu"}}, {Labels: map[string]string{"team": "b"}},
	{DriverIDs: []string{"d-0"}},
	{DriverIDs: []string{"d-2"}}, {DriverIDs: []string{"d-1", "d-2"}}, {DriverIDs: []string{"d-3"}},
	{Labels: map[string]string{"region": "nowhere"}},
}

func drawDeed(t *rapid.T) teamStep {
	d := teamStep{what: rapid.SampledFrom([]string{
		"connect", "connect", "connect", "cut", "leave", "fresh", "mute", "behave",
		"submit", "submit", "submit", "submit", "submit", "submit",
		"wait", "wait", "wait", "restart", "forge",
	}).Draw(t, "what"), driver: rapid.IntRange(0, len(teamDrivers)-1).Draw(t, "driver")}
	switch d.what {
	case "behave":
		d.mode = mode(rapid.IntRange(0, int(deaf)).Draw(t, "mode"))
	case "submit":
		total := swarm.Command{Type: command.SetPlayers, Value: 12, Total: true}
		d.command = rapid.SampledFrom([]swarm.Command{stop, stop, players(5), players(9), total, total,
			{Type: command.SetSpawnDelay, Value: 7}}).Draw(t, "command")
		d.target = rapid.SampledFrom(teamTargets).Draw(t, "target")
		d.submitter = rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "submitter")
		d.condition = rapid.SampledFrom([]string{"", "own", "own", "newest", "never"}).Draw(t, "if_seq")
	case "wait":
		d.seconds = rapid.SampledFrom([]int{1, 4, 25, 45, 95}).Draw(t, "seconds")
	}
	return d
}

// teams is a world that several teams share, with the knowledge of an observer.
type teams struct {
	world     *world
	t         *testing.T
	handler   atomic.Pointer[http.Handler]
	change    func(*drivers.Config)
	cfg       drivers.Config // as changed
	net       *swarmtest.Network
	processes []*process

	startedAt time.Time
	own       map[string]uint64    // by submitter: its newest load entry
	matched   map[uint64]time.Time // by seq: when a known driver last matched a load command
	forgotten map[uint64]bool      // by place: Stops that the server's fold has dropped as unnecessary
	// commands that are forgotten for one driver, and still hold for others that they name
	forgottenFor map[placeFor]bool
	desired      *swarm.Desired // the server's fold; read only while nothing happens
	regressed    bool           // the epoch would have risen
	looked       uint64         // the last record at the latest checkTotals
	problems     []string
}

// configs are the servers of the histories: with forget_after shorter and longer than the lease.
func configs(n int) func(*drivers.Config) {
	return func(c *drivers.Config) {
		c.ForgetAfter, c.LeaseTTL = 40*time.Second, 20*time.Second
		if n%2 == 1 {
			c.ForgetAfter, c.LeaseTTL = 10*time.Second, 60*time.Second
		}
		c.Resplit = []drivers.Resplit{drivers.ResplitOff, drivers.ResplitOnLoss, drivers.ResplitOnChange}[n/2%3]
	}
}

// placeFor is the place of a load command, for one driver.
type placeFor struct {
	place uint64
	id    string
}

func newTeams(t *testing.T, n int) *teams {
	log := &swarmtest.MemLog{}
	log.Add(&swarm.Reset{LogID: "log", Epoch: 1})
	s := &teams{t: t, change: configs(n), own: map[string]uint64{}, matched: map[uint64]time.Time{}}
	s.change(&s.cfg)
	s.start(log, nil)
	s.net = swarmtest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		(*s.handler.Load()).ServeHTTP(w, r)
	}))
	for i, labels := range teamDrivers {
		p := newProcess(fmt.Sprintf("d-%d", i), s.net.Client(), "ws://127.0.0.1/drivers/connect")
		p.labels = labels
		s.processes = append(s.processes, p)
	}
	return s
}

func (s *teams) start(log *swarmtest.MemLog, former []swarm.Former) {
	s.world = openOn(s.t, log, func(c *drivers.Config) {
		s.change(c)
		c.Past.Drivers, s.desired = former,
			c.Past.Desired
	}, func() { s.regressed = true })
	handler := s.world.handler()
	s.handler.Store(&handler)
	s.startedAt, s.forgotten, s.forgottenFor = time.Now(), map[uint64]bool{}, map[placeFor]bool{}
	for seq := range s.matched {
		s.matched[seq] = s.startedAt // counted from the start
	}
}

func (s *teams) bad(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

func (s *teams) play(d teamStep) {
	p := s.processes[d.driver]
	before, seen := s.matchedNow(), s.sightings()
	switch d.what {
	case "connect":
		if !p.is(hung) && !p.is(deaf) {
			_ = p.connect() // even a server that has just started accepts it
		}
	case "cut":
		p.cut()
	case "leave":
		if p.connected() && !p.is(hung) && !p.is(deaf) {
			p.stopLoad() // a driver that deregisters has finished
			p.say(wire.Encode(wire.Deregister{Type: wire.TypeDeregister}))
		}
	case "fresh":
		if !p.is(hung) && !p.is(deaf) {
			p.startAfresh()
		}
	case "mute":
		p.mu.Lock()
		p.mute = !p.mute
		p.mu.Unlock()
	case "behave":
		p.behave(d.mode)
	case "submit":
		s.submit(d)
	case "wait":
		s.wait(d.seconds)
	case "restart":
		s.restart()
	case "forge":
		s.forge()
	}
	synctest.Wait()
	s.checkStarts(before, seen)
	s.look()
}

// wait lets time pass, and checks the swarm each second.
func (s *teams) wait(seconds int) {
	for range seconds {
		swarmtest.Advance(time.Second)
		synctest.Wait()
		s.look()
	}
}

// restart ends the server, with all its connections, and starts it again on the same log.
func (s *teams) restart() {
	former := s.world.r.Remembered()
	s.world.stop()
	synctest.Wait()
	s.start(s.world.log, former)
}

// forge registers a driver that claims to have applied commands that no log holds.
func (s *teams) forge() {
	options := &websocket.DialOptions{
		HTTPClient: s.net.Client(), Subprotocols: []string{wire.Subprotocol},
	}
	const address = "ws://127.0.0.1/drivers/connect"
	conn, _, err := websocket.Dial(context.Background(), address, options) //nolint:bodyclose // Dial's doc
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	reg := wire.Register{Type: wire.TypeRegister, DriverID: "forger", LogID: "log.1", AppliedSeq: 1 << 40}
	if err := conn.Write(context.Background(), websocket.MessageText, wire.Encode(reg)); err != nil {
		return
	}
	for {
		_, frame, err := conn.Read(context.Background())
		if kind, _ := wire.TypeOf(frame); err == nil && kind == wire.TypeRegistered {
			s.bad("a forged applied_seq was registered")
			return
		}
		if code := websocket.CloseStatus(err); err != nil && code != websocket.StatusCode(wire.CloseOverloaded) {
			s.bad("a forged applied_seq was closed with %d", code)
		}
		if err != nil {
			return
		}
	}
}

// submit sends a command, and checks the answer against what was known before.
func (s *teams) submit(d teamStep) {
	sub := swarm.Submission{Submitter: d.submitter, Command: d.command, Target: d.target, Deadline: time.Second}
	if seq, conditional := s.ifSeq(d); conditional {
		sub.IfSeq = &seq
	}
	q := s.question(sub)
	r, err := s.world.d.Submit(context.Background(), sub)
	switch code := swarm.CodeOf(err); {
	case err == nil:
		s.checkIssued(q, r.Entry())
		if r.Entry().Issued.Command.Slot() == command.LoadSlot {
			s.own[d.submitter], s.matched[r.Seq()] = r.Seq(), time.Now()
		}
	case code == swarm.CodeNewerCommand:
		s.checkNewer(q)
	case code == swarm.CodeNoActiveDrivers:
		s.checkNoDriver(q)
	default:
		s.bad("%v: %v", d, err)
	}
}

// ifSeq returns the condition of a deed.
func (s *teams) ifSeq(d teamStep) (seq uint64, conditional bool) {
	switch d.condition {
	case "own":
		return s.own[d.submitter], true
	case "newest":
		return s.world.log.Last(), true
	case "never":
		return 0, true
	}
	return 0, false
}

// settle lets every process recover and reconnect, and waits until the server has no more work.
func (s *teams) settle() {
	for _, p := range s.processes {
		p.behave(acks)
	}
	s.wait(1)
	before, seen := s.matchedNow(), s.sightings()
	for _, p := range s.processes {
		if !p.connected() || p.rejectedSome() {
			if err := p.connect(); err != nil && !errors.Is(err, context.Canceled) {
				s.bad("%s cannot come back: %v", p.id, err)
			}
		}
	}
	synctest.Wait()
	s.checkStarts(before, seen)
	s.wait(15) // a re-split may be 5 s away, and is a command of its own
}

func (s *teams) end() {
	s.world.stop()
	for _, p := range s.processes {
		p.end(s.t)
	}
}

func playTeams(t *testing.T, n int, deeds []teamStep) (problems []string) {
	synctest.Test(t, func(t *testing.T) {
		s := newTeams(t, n)
		for _, d := range deeds {
			s.play(d)
		}
		s.settle()
		s.checkConvergent()
		s.checkConditions()
		s.end()
		problems = s.problems
	})
	return problems
}

// TestHistoriesOfTeams plays random histories on a server that two teams share: drivers that join late, with the labels
// of both, that return after they were forgotten, as the same process or a new one; conditional commands and totals;
// forged registers; restarts. It checks the documented rules of concerns, if_seq, Stop, left_out, known, expired load,
// the proof of a Stop, and re-splits.
func TestHistoriesOfTeams(t *testing.T) {
	checks := historiesToPlay()
	seed := seedFlag()
	setFlag(t, "rapid.checks", fmt.Sprint(checks))
	setFlag(t, "rapid.seed", fmt.Sprint(seed))
	histories, commands := 0, 0
	var counted sync.Mutex
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 5).Draw(rt, "server")
		deeds := rapid.SliceOfN(rapid.Custom(drawDeed), 15, 40).Draw(rt, "deeds")
		if problems := playTeams(t, n, deeds); len(problems) > 0 {
			rt.Fatalf("%q\n%v", problems, deeds)
		}
		counted.Lock()
		defer counted.Unlock()
		histories++
		for _, d := range deeds {
			if d.what == "submit" {
				commands++
			}
		}
	})
	t.Logf("%d histories with %d commands, rapid.seed %d: 0 violations", histories, commands, seed)
}

func sortedCopy(ids []string) []string { return slices.Sorted(slices.Values(ids)) }
