package drivers

import (
	"fmt"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// BenchmarkOffer is what a hand-over does while it holds the registry's lock: 10,000 sessions whose sockets are always free.
func BenchmarkOffer(b *testing.B) {
	const n = 10_000
	r, sessions := large(b, n)
	var targets []string
	for _, seat := range r.Targets(swarm.TargetQuery{}).Seats {
		targets = append(targets, seat.DriverID)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Offer(swarm.Issue{Seq: r.offered.Load() + 1, Command: set10, Targets: targets, Deadline: time.Second})
		b.StopTimer()
		for _, s := range sessions {
			s.box.take(nil)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/session")
}

// BenchmarkReads is what readers of a large swarm cost: a page of one driver, and all of it; without the rests between.
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
				<-r.looking
				r.looking <- time.Time{}
			}
		})
	}
}

// large is a registry with n sessions whose sockets are always free.
func large(b *testing.B, n int) (*Registry, []*session) {
	b.Helper()
	r, err := New(Config{
		HeartbeatInterval: time.Second, StaleAfter: time.Hour, ForgetAfter: time.Hour, LeaseTTL: time.Minute, OnLeaseLost: OnLeaseLostStop,
	}, &sinkLog{})
	if err != nil {
		b.Fatal(err)
	}
	var sessions []*session
	for i := range n {
		s := &session{r: r, box: newMailbox(), since: time.Now(), socket: &socket{}}
		s.adopt(&wire.Register{DriverID: fmt.Sprintf("d-%06d", i)})
		r.seats[s.id] = &seat{id: s.id, session: s}
		r.open++
		sessions = append(sessions, s)
	}
	return r, sessions
}
