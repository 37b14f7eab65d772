package dispatch

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// benchFleet acks every command of every driver from within Offer: only the dispatcher's own work remains.
type benchFleet struct {
	d       *Dispatcher
	members []swarm.Member
}

func (f *benchFleet) Members(swarm.TargetQuery) swarm.Targeted {
	return swarm.Targeted{Members: f.members}
}
func (f *benchFleet) Reach(swarm.Target) swarm.Reach               { return swarm.Reach{} }
func (f *benchFleet) DeadlineMissed([]string)                      {}
func (f *benchFleet) Reset(uint64) []swarm.Unsent                  { return nil }
func (f *benchFleet) Expire(uint64, *swarm.Expired) []swarm.Unsent { return nil }
func (f *benchFleet) Settled()                                     {}
func (f *benchFleet) Last() uint64                                 { return 0 }
func (f *benchFleet) NewestLoad(swarm.Target) uint64               { return 0 }
func (f *benchFleet) Base(uint64, string) (uint64, bool)           { return 0, false }
func (f *benchFleet) Offer(i swarm.Issue) swarm.Handover {
	for _, m := range f.members {
		f.d.Ack(m.DriverID, i.Seq, swarm.Reply{Applied: true})
	}
	return swarm.Handover{}
}

// countingLog accepts everything and keeps nothing.
type countingLog struct {
	last atomic.Uint64
	told func(swarm.Appended)
}

func (l *countingLog) Append(_ context.Context, after uint64, records []swarm.Record) (uint64, error) {
	l.last.Store(after + uint64(len(records)))
	l.told(swarm.Appended{First: after + 1, Records: records, Own: true})
	return after + 1, nil
}

func (l *countingLog) Last() uint64 { return l.last.Load() }

func (l *countingLog) Entry(context.Context, uint64) (swarm.Entry, error) { panic("nothing is kept") }

// BenchmarkDispatch measures a command from Submit to its outcome, over a fleet that acks at once: each round ends with
// the last ack.
func BenchmarkDispatch(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := &benchFleet{}
			for i := range n {
				f.members = append(f.members, swarm.Member{DriverID: fmt.Sprintf("d-%06d", i)})
			}
			log := &countingLog{}
			f.d = New(Config{Log: log, Node: "bench"})
			log.told = f.d.Take
			f.d.Bind(f, f, f)
			done := make(chan struct{})
			go func() { f.d.Run(); close(done) }()
			s := swarm.Submission{Submitter: "bench", Command: swarm.Command{Type: command.SetPlayers, Value: 1},
				Deadline: time.Minute}
			b.ReportAllocs()
			for b.Loop() {
				call, err := f.d.Submit(b.Context(), s)
				if err != nil {
					b.Fatal(err)
				}
				e, err := call.Wait(b.Context())
				if err != nil || e.Counts().Acked != n {
					b.Fatalf("%+v %v", e.Counts(), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/ack")
			f.d.Shutdown(b.Context(), b.Context())
			<-done
		})
	}
}
