package drivers

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// BenchmarkOffer measures Offer while it holds the registry's lock: 10,000 sessions whose sockets are always free.
func BenchmarkOffer(b *testing.B) {
	const n = 10_000
	r, sessions := large(b, n)
	var targets []string
	for _, m := range r.Members(swarm.TargetQuery{}).Members {
		targets = append(targets, m.DriverID)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Offer(swarm.Issue{Seq: r.offered.Load() + 1, Command: set10, Targets: targets, Deadline: time.Second})
		b.StopTimer()
		for _, s := range sessions {
			s.outbox.take(nil)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/session")
}

// BenchmarkOfferToBusy is the same with 10,000 sessions that have not sent the previous command, which this one
// supersedes, including the dispatcher's work for that: finding the command and the driver in it.
func BenchmarkOfferToBusy(b *testing.B) {
	const n = 10_000
	r, sessions := large(b, n)
	rounds := &openRounds{}
	for _, s := range sessions {
		rounds.ids = append(rounds.ids, s.member.id)
	}
	b.ReportAllocs()
	for b.Loop() {
		out := r.Offer(swarm.Issue{Seq: r.offered.Load() + 1, Command: set10, Deadline: time.Second})
		for _, u := range out.Superseded {
			rounds.Superseded(u.DriverID, u.Seq)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/session")
}

// openRounds looks up a driver as a dispatcher does.
type openRounds struct {
	table sync.RWMutex
	round sync.Mutex
	ids   []string
	found int
}

func (o *openRounds) Superseded(id string, _ uint64) {
	o.table.RLock()
	defer o.table.RUnlock()
	o.round.Lock()
	defer o.round.Unlock()
	if _, ok := slices.BinarySearch(o.ids, id); ok {
		o.found++
	}
}

// BenchmarkReads measures reads of a large swarm: a page of one driver, and all of it, without the pauses between
// reads.
func BenchmarkReads(b *testing.B) {
	r, _ := large(b, 10_000)
	r.Offer(swarm.Issue{Seq: 1, Command: set10, Deadline: time.Second})
	for name, read := range map[string]func(){
		"roster of 1":   func() { r.Roster(swarm.RosterQuery{Limit: 1}) },
		"roster of all": func() { r.Roster(swarm.RosterQuery{}) },
		"state of 1":    func() { r.State(swarm.StateQuery{Limit: 1}) },
		"state of all":  func() { r.State(swarm.StateQuery{}) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read()
				<-r.readers
				r.readers <- time.Time{}
			}
		})
	}
}

// large is a registry with n sessions whose sockets are always free.
func large(b testing.TB, n int) (*Registry, []*session) {
	b.Helper()
	r, err := New(Config{
		HeartbeatInterval: time.Second, StaleAfter: time.Hour, ForgetAfter: time.Hour, LeaseTTL: time.Minute,
		OnLeaseLost: OnLeaseLostStop,
	}, &sinkLog{}, &sinkLog{})
	if err != nil {
		b.Fatal(err)
	}
	var sessions []*session
	for i := range n {
		s := &session{r: r, outbox: newOutbox(), since: time.Now(), socket: &socket{}}
		s.member = newMember(s, &wire.Register{DriverID: fmt.Sprintf("d-%06d", i)}, "", 0)
		s.beat()
		r.members[s.member.id] = s.member
		r.open++
		sessions = append(sessions, s)
	}
	return r, sessions
}
