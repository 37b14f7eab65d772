package together

import (
	"context"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/dispatch"
	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

var (
	_ dispatch.Drivers  = (*drivers.Registry)(nil)
	_ dispatch.Delivery = (*drivers.Registry)(nil)
	_ dispatch.Fold     = (*drivers.Registry)(nil)
	_ drivers.Rounds    = (*dispatch.Dispatcher)(nil)
	_ drivers.Requests  = (*dispatch.Dispatcher)(nil)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is dispatcher and registry joined.
type world struct {
	log  *swarmtest.MemLog
	d    *dispatch.Dispatcher
	r    *drivers.Registry
	stop func()
}

// open starts a world; its log begins with a reset, as every log does.
func open(t testing.TB) *world {
	log := &swarmtest.MemLog{}
	log.Add(&swarm.Reset{LogID: "log", Epoch: 1})
	return openOn(t, log, func(*drivers.Config) {}, nil)
}

// openOn starts a world on an existing log, as a restarted server does: it closes open entries, and builds the fold
// from the records. It calls regressed when the log's epoch has to rise.
func openOn(t testing.TB, log *swarmtest.MemLog, change func(*drivers.Config), regressed func()) *world {
	w := &world{log: log}
	w.d = dispatch.New(dispatch.Config{Log: w.log, Node: "test"})
	open, err := log.Unclosed(t.Context())
	if err == nil {
		err = w.d.Recover(t.Context(), open)
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg := drivers.Config{
		HeartbeatInterval: time.Second, StaleAfter: 3 * time.Second, ForgetAfter: 10 * time.Minute,
		LeaseTTL:    time.Minute,
		OnLeaseLost: drivers.OnLeaseLostStop, OnLogShortened: func(string, string, uint64) { regressed() },
		Past: drivers.Past{LogID: "log.1", Desired: foldOf(log.Records()), LastSeq: log.Last()},
	}
	change(&cfg)
	if w.r, err = drivers.New(cfg, w.d, w.d); err != nil {
		t.Fatal(err)
	}
	w.d.Bind(w.r, w.r, w.r)
	log.Notify(w.d.Take)
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

// active returns how many drivers can answer now.
func (w *world) active() (n int) {
	for _, m := range w.r.Members(swarm.TargetQuery{}).Members {
		if m.Lost == "" {
			n++
		}
	}
	return n
}

func foldOf(records []swarm.Record) *swarm.Desired {
	desired := &swarm.Desired{}
	for i, r := range records {
		pos := uint64(i) + 1
		switch r := r.(type) {
		case *swarm.Issued:
			desired.Issue(r.Issue(pos))
		case *swarm.Reset:
			desired.Reset(pos)
		case *swarm.Expired:
			desired.Expire(pos, r)
		}
	}
	return desired
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

func submission(c swarm.Command, deadline time.Duration, ids ...string) swarm.Submission {
	return swarm.Submission{Submitter: "test", Command: c, Deadline: deadline, Target: swarm.Target{DriverIDs: ids}}
}

func players(n int64) swarm.Command { return swarm.Command{Type: command.SetPlayers, Value: n} }

var stop = swarm.Command{Type: command.Stop}
