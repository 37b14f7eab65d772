package dispatch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a dispatcher on fakes.
type world struct {
	d     *Dispatcher
	fleet *swarmtest.Fleet
	log   *swarmtest.MemLog
	start func()
}

// inWorld runs test in a bubble of fake time.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	inIdleWorld(t, func(t *testing.T, w *world) {
		w.start()
		test(t, w)
	})
}

// inIdleWorld is inWorld with a sequencer that waits for start: earlier submissions form one batch.
func inIdleWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{fleet: &swarmtest.Fleet{}, log: &swarmtest.MemLog{}}
		w.d = New(Config{Log: w.log, Node: "test"})
		w.d.Bind(w.fleet, w.fleet, w.fleet)
		w.log.Notify(w.d.Take)
		w.fleet.Sink = w.d
		ran := make(chan struct{})
		w.start = func() {
			go func() {
				defer close(ran)
				w.d.Run()
			}()
		}
		test(t, w)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		hard, cancelHard := context.WithTimeout(t.Context(), time.Second)
		defer cancelHard()
		w.d.Shutdown(over, hard)
		<-ran
		w.fleet.Close()
	})
}

func (w *world) Driver(_ testing.TB, id string) swarmtest.Driver {
	return fakeDriver{w.fleet.Join(id)}
}

func (w *world) Submit(ctx context.Context, s swarm.Submission) swarmtest.Result {
	call, err := w.d.Submit(ctx, s)
	if err != nil {
		return swarmtest.Result{Err: swarm.CodeOf(err)}
	}
	e, err := call.Wait(ctx)
	if err != nil {
		return swarmtest.Result{Err: swarm.CodeOf(err)}
	}
	return swarmtest.ResultOf(e)
}

func (w *world) Log(testing.TB) []swarmtest.Result {
	var out []swarmtest.Result
	for _, e := range w.log.Entries() {
		out = append(out, swarmtest.ResultOf(e))
	}
	return out
}

type fakeDriver struct{ *swarmtest.FleetDriver }

func (d fakeDriver) Hang(testing.TB)  { d.FleetDriver.Hang() }
func (d fakeDriver) Leave(testing.TB) { d.Lose(swarm.ReasonDisconnected) }

func TestScenarios(t *testing.T) {
	swarmtest.Scenarios(t, func(t *testing.T, name string, scenario func(*testing.T, swarmtest.World)) {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) { scenario(t, w) })
		})
	})
}

func ordinary(deadline time.Duration) swarm.Submission {
	return swarm.Submission{Submitter: "ci", Command: swarm.Command{Type: command.SetPlayers, Value: 1},
		Deadline: deadline}
}

func TestClosesAtItsDeadlineToTheInstant(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a").Hold()
		began := time.Now()
		r := w.Submit(t.Context(), ordinary(2*time.Second))
		if took := time.Since(began); took != 2*time.Second || r.Duration != 2*time.Second || r.Status != swarm.Failed {
			t.Errorf("took %v: %+v", took, r)
		}
	})
}

func TestLossDecidesAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.fleet.Join("a")
		a.Hold()
		go func() {
			swarmtest.Advance(time.Second)
			a.Lose(swarm.ReasonWriteTimeout)
		}()
		r := w.Submit(t.Context(), ordinary(time.Minute))
		if r.Duration != time.Second || r.Missing["a"] != swarm.ReasonWriteTimeout {
			t.Errorf("got %+v", r)
		}
	})
}

func TestLateAnswersAreSeparateRecords(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.fleet.Join("a"), w.fleet.Join("b")
		a.Hold()
		b.Hold()
		r := w.Submit(t.Context(), ordinary(time.Second))
		swarmtest.Advance(time.Second)
		a.Release()
		b.Refuse("busy")
		b.Release()
		synctest.Wait()
		w.d.Ack("a", r.Seq, swarm.Reply{Applied: true}) // a repeated ack
		swarmtest.Advance(lateEvery)
		synctest.Wait()
		e := w.log.Entries()[0]
		if diff := cmp.Diff(r, swarmtest.ResultOf(swarm.Entry{Seq: e.Seq, Issued: e.Issued,
			Closed: e.Closed})); diff != "" {
			t.Errorf("a late answer changed the outcome (-before +after):\n%s", diff)
		}
		if len(e.Late) != 2 || len(w.log.Records()) != 3 || e.Late[0].Latency != 2*time.Second {
			t.Errorf("late %+v in %d records, want both in one", e.Late, len(w.log.Records()))
		}
	})
}

func TestAnswerAfterALossIsLate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.fleet.Join("a")
		a.Hold()
		b := w.fleet.Join("b")
		b.Hold()
		call, err := w.d.Submit(t.Context(), ordinary(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		w.d.Disconnected("a", swarm.ReasonDisconnected, call.Seq())
		w.d.Ack("a", call.Seq(), swarm.Reply{Applied: true}) // it has reconnected and received the command again
		b.Release()
		e, err := call.Wait(t.Context())
		if err != nil || e.Status() != swarm.Partial {
			t.Errorf("%+v %v", e.Counts(), err)
		}
		swarmtest.Advance(lateEvery)
		synctest.Wait()
		if late := w.log.Entries()[0].Late; len(late) != 1 || late[0].DriverID != "a" {
			t.Errorf("late: %+v", late)
		}
	})
}

// TestAckRacingTheDeadline acks 10,000 times within a millisecond of the deadline, before, after and at exactly that
// time: there is exactly one verdict, and a missing one has exactly one late answer.
func TestAckRacingTheDeadline(t *testing.T) {
	const races, within = 10_000, time.Millisecond
	acked, missed := 0, 0
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a").Hold()
		for i := range races {
			offset := -within + 2*within*time.Duration(i/4)/(races/4) // four tries at each offset
			call, err := w.d.Submit(t.Context(), ordinary(10*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(10*time.Millisecond+offset, func() { w.d.Ack("a", call.Seq(), swarm.Reply{Applied: true}) })
			e, err := call.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			n := e.Counts()
			if n.Acked+n.Missing != 1 {
				t.Fatalf("ack %v from the deadline: %+v", offset, n)
			}
			acked, missed = acked+n.Acked, missed+n.Missing
		}
		swarmtest.Advance(time.Second)
		synctest.Wait()
		for _, e := range w.log.Entries() {
			if late := len(e.Late); late != e.Counts().Missing {
				t.Errorf("seq %d: %+v and %d late answers", e.Seq, e.Counts(), late)
			}
		}
	})
	t.Logf("%d races: %d acked, %d missing and late, 0 both, 0 neither", races, acked, missed)
	if acked+missed != races || acked == 0 || missed == 0 {
		t.Errorf("%d acked and %d missing of %d", acked, missed, races)
	}
}

func TestConditions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		s := ordinary(time.Second)
		s.MinDrivers = 2
		_, err := w.d.Submit(t.Context(), s)
		e, ok := errors.AsType[*swarm.Error](err)
		if !ok || e.Code != swarm.CodeNotEnoughDrivers || e.Attrs["have"] != 1 || e.Attrs["want"] != 2 {
			t.Errorf("min_drivers: %v", err)
		}
		first := w.Submit(t.Context(), ordinary(time.Second))
		second := w.Submit(t.Context(), ordinary(time.Second))
		s = ordinary(time.Second)
		s.IfSeq = &first.Seq
		_, err = w.d.Submit(t.Context(), s)
		if e, ok := errors.AsType[*swarm.Error](err); !ok || e.Code != swarm.CodeNewerCommand ||
			e.Attrs["seq"] != second.Seq {
			t.Errorf("if_seq of an older command: %v", err)
		}
		s.IfSeq = &second.Seq
		if r := w.Submit(t.Context(), s); r.Status != swarm.Complete {
			t.Errorf("if_seq of the newest command: %+v", r)
		}
	})
}

// TestOnlyOneOfManyWithTheSameCondition: of submitters that all refer to the same newest command, one wins.
func TestOnlyOneOfManyWithTheSameCondition(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		base := w.Submit(t.Context(), ordinary(time.Second)).Seq
		results := make(chan swarmtest.Result, 20)
		for range cap(results) {
			s := ordinary(time.Second)
			s.IfSeq = &base
			go func() { results <- w.Submit(t.Context(), s) }()
		}
		won := 0
		for range cap(results) {
			if r := <-results; r.Err == "" {
				won++
			} else if r.Err != swarm.CodeNewerCommand {
				t.Errorf("got %s", r.Err)
			}
		}
		if won != 1 {
			t.Errorf("%d won", won)
		}
	})
}

func TestLogThatFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.fleet.Join("a")
		broken := errors.New("disk full")
		w.log.FailWith(func() error { return broken })
		if r := w.Submit(t.Context(), ordinary(time.Second)); r.Err != swarm.CodeLogUnavailable {
			t.Errorf("got %+v", r)
		}
		if got := a.Applied(); len(got) != 0 {
			t.Errorf("what was not logged was sent: %v", got)
		}
		// Issued is accepted, then the disk is full until after the deadline.
		taken := 0
		w.log.FailWith(func() error {
			if taken++; taken > 1 {
				return broken
			}
			return nil
		})
		r := w.Submit(t.Context(), ordinary(time.Second))
		if r.Err != swarm.CodeOutcomeNotRecorded {
			t.Errorf("got %+v", r)
		}
		w.log.FailWith(nil)
		swarmtest.Advance(retryEvery)
		synctest.Wait()
		if e := w.log.Entries(); len(e) != 1 || e[0].Status() != swarm.Complete {
			t.Errorf("the outcome was not recorded once there was space: %+v", e)
		}
	})
}

func TestShutdownEndsOpenRounds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a").Hold()
		call, err := w.d.Submit(t.Context(), ordinary(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		soft, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		w.d.Shutdown(soft, t.Context())
		e, err := call.Wait(t.Context())
		if err != nil || time.Since(began) != 3*time.Second ||
			e.Closed.Verdicts[0].Reason != swarm.ReasonServerRestart {
			t.Errorf("after %v: %+v %v", time.Since(began), e.Closed, err)
		}
		if _, err := w.d.Submit(t.Context(), ordinary(time.Second)); swarm.CodeOf(err) != swarm.CodeShuttingDown {
			t.Errorf("a command while stopping: %v", err)
		}
	})
}

func TestRecoverClosesWhatWasOpen(t *testing.T) {
	log := &swarmtest.MemLog{}
	d := New(Config{Log: log, Node: "test"})
	issued := &swarm.Issued{Submitter: "ci", Command: swarm.Command{Type: command.Stop}, Targets: []string{"a", "b"},
		Deadline: time.Second, SubmittedAt: time.Now()}
	appends := 0
	log.Refuse(func([]swarm.Record) error { appends++; return nil })
	const entries = 2*maxBatch + 1
	for range entries - 1 {
		log.Add(issued)
	}
	first := log.Add(issued)
	if err := d.Recover(t.Context(), log.Entries()); err != nil {
		t.Fatal(err)
	}
	if appends != 3 {
		t.Errorf("closed %d entries with %d appends, want 3", entries, appends)
	}
	e := log.Entries()[entries-1]
	if e.Seq != first || e.Status() != swarm.Failed || e.Closed.Verdicts[1].Reason != swarm.ReasonServerRestart {
		t.Errorf("got %+v", e.Closed)
	}
	if _, counted := d.Ack("a", first, swarm.Reply{Applied: true}); !counted {
		t.Error("an answer to an entry of the last process is late, and counts as that")
	}
}
