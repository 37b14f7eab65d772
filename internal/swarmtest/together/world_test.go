package together

import (
	"context"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/dispatch"
	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

var (
	_ dispatch.Fleet = (*drivers.Registry)(nil)
	_ drivers.Sink   = (*dispatch.Dispatcher)(nil)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the two rooms joined.
type world struct {
	log  *swarmtest.MemLog
	d    *dispatch.Dispatcher
	r    *drivers.Registry
	stop func()
}

// open starts a world; its log begins with a reset, as every log does.
func open(t testing.TB) *world {
	w := &world{log: &swarmtest.MemLog{}}
	if _, err := w.log.Append(t.Context(), []swarm.Record{&swarm.Reset{LogID: "log", Epoch: 1}}); err != nil {
		t.Fatal(err)
	}
	w.d = dispatch.New(dispatch.Config{Log: w.log, Node: "test"})
	desired := &swarm.Desired{}
	desired.Reset(1)
	var err error
	w.r, err = drivers.New(drivers.Config{
		HeartbeatInterval: time.Second, StaleAfter: 3 * time.Second, ForgetAfter: 10 * time.Minute, LeaseTTL: time.Minute,
		OnLeaseLost: drivers.OnLeaseLostStop, LogID: "log.1", Desired: desired, LastSeq: 1,
	}, w.d)
	if err != nil {
		t.Fatal(err)
	}
	w.d.Bind(w.r)
	ran, swept := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { defer close(ran); w.d.Run() }()
	go func() { defer close(swept); w.r.Run(ctx) }()
	w.stop = func() {
		over, now := context.WithCancel(context.Background())
		now()
		hard, end := context.WithTimeout(context.Background(), time.Second)
		defer end()
		w.d.Shutdown(over, hard)
		<-ran
		w.r.Shutdown(over)
		cancel()
		<-swept
	}
	return w
}

func (w *world) handler() http.Handler {
	return w.r.Handler(func(rw http.ResponseWriter, _ *http.Request, err error) {
		http.Error(rw, err.Error(), http.StatusServiceUnavailable)
	})
}

// submit sends a command and waits for its outcome.
func (w *world) submit(s swarm.Submission) (swarm.Entry, error) {
	call, err := w.d.Submit(context.Background(), s)
	if err != nil {
		return swarm.Entry{}, err
	}
	return call.Wait(context.Background())
}

func command(c swarm.Command, deadline time.Duration, ids ...string) swarm.Submission {
	return swarm.Submission{Submitter: "test", Command: c, Deadline: deadline, Target: swarm.Target{DriverIDs: ids}}
}

func players(n int64) swarm.Command { return swarm.Command{Type: swarm.SetPlayers, Players: n} }

var stop = swarm.Command{Type: swarm.Stop}
