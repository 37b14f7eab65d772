package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

const (
	healthy = 49
	sampled = 100                    // commands per measurement
	short   = 250 * time.Millisecond // the shortest deadline
	// staleSoon is the shortest time from its last heartbeat until the bad driver is stale.
	staleSoon = time.Second
)

// TestOneBadProcessDelaysNobody: one of 50 drivers of a real server is suspended, is cut off behind a proxy, or never
// reads. The others' acks are measured without and with it, in the same run.
func TestOneBadProcessDelaysNobody(t *testing.T) {
	for name, begin := range map[string]func(*world) *badDriver{"SIGSTOP": stopsDead, "half-open": fallsSilent,
		"never reads": neverReads} {
		t.Run(name, func(t *testing.T) {
			for range rounds(1, 5) {
				calm(t, func(broken func(string, ...any)) { delaysNobody(t, begin, broken) })
			}
		})
	}
}

// badDriver is the misbehaving driver; its id is bad.
type badDriver struct {
	misbehave func()
	first     []string // the reasons for which it may be missing in the first command
	then      []string // and in later commands, while it is still a target
	after     func()   // checks the server's reaction
}

func delaysNobody(t *testing.T, begin func(*world) *badDriver, broken func(string, ...any)) {
	t.Helper()
	w := newWorld(t, 0)
	w.client = newClient("http://" + w.server.Addr)
	defer w.server.Kill() // a run that was disturbed does not disturb the next
	startBareDrivers(t, w.server.Addr, healthy)
	everybody := func(n int) {
		eventually(t, patience, "every driver is active", func() bool { return w.client.active(t.Context()) == n })
	}
	everybody(healthy)
	// A busy machine takes its time. The bad one may never ack, so it comes later.
	deadline := max(short, 20*p99(w.sample(sampled/2, 10*time.Second)))
	bad := begin(w)
	everybody(healthy + 1)
	before := w.sample(sampled, deadline)
	bad.misbehave()
	with := w.sample(sampled, deadline)
	after := w.sample(sampled, deadline) // by now the server has dropped it, or no longer waits for it
	base := max(p99(before), p99(after))
	over := time.Duration(0)
	for i, s := range with {
		over = max(over, s.over)
		reasons := bad.then
		if i == 0 {
			reasons = bad.first
		}
		if deadline >= staleSoon { // on a busy machine: the bad one may become stale before it
			reasons = append(slices.Clone(reasons), "stale")
		}
		if wrong := s.wrong(reasons, i == 0); wrong != "" {
			t.Errorf("command %d: %s", i+1, wrong)
		}
	}
	t.Logf("ack p99 of the %d others: %v before and %v after, %v beside the bad one (%+.0f %%); closed at most %v "+
		"past the deadline",
		healthy, p99(before), p99(after), p99(with), 100*(float64(p99(with))/float64(base)-1), over)
	// If the bad driver delays the others, it costs a deadline, or 10 s. A deadline is 20 times a normal ack.
	if p99(with) > deadline/2 || over > deadline {
		t.Errorf("with a deadline of %v, ack p99 of the others is %v beside the bad one, %v without; closed up to %v "+
			"late",
			deadline, p99(with), base, over)
	}
	// The slack is for a busy machine.
	if p99(with) > base+base/10+10*time.Millisecond {
		broken("ack p99 of the others is %v beside the bad one, %v without", p99(with), base)
	}
	if over > 100*time.Millisecond {
		broken("a command closed %v past its deadline", over)
	}
	if bad.after != nil {
		bad.after()
	}
}

// sample is the result of one command for all.
type sample struct {
	latencies []time.Duration // of the healthy drivers
	over      time.Duration   // past the deadline
	missing   map[string]string
	body      string
}

// sample issues n commands with this deadline, one after the other.
func (w *world) sample(n int, deadline time.Duration) (all []sample) {
	w.t.Helper()
	for i := range n {
		a, err := w.client.post(w.t.Context(), command{submitter: "ops", players: int64(i), deadline: deadline})
		var e struct {
			Acked []struct {
				DriverID  string  `json:"driver_id"`
				LatencyMS float64 `json:"latency_ms"`
			}
		}
		if err != nil || !a.accepted() || json.Unmarshal(a.body, &e) != nil {
			w.t.Fatalf("%d %s %v", a.status, a.body, err)
		}
		s := sample{over: ms(a.entry.DurationMS) - deadline, missing: map[string]string{}, body: string(a.body)}
		for _, ack := range e.Acked {
			if ack.DriverID != "bad" {
				s.latencies = append(s.latencies, ms(ack.LatencyMS))
			}
		}
		for _, m := range a.entry.Missing {
			s.missing[m.DriverID] = m.Reason
		}
		all = append(all, s)
	}
	return all
}

// wrong describes what is not correct: the healthy drivers must have acked, and only the bad one is missing, for the
// right reason. Once the server has detected that it is hung, it may not be a target.
func (s sample) wrong(reasons []string, must bool) string {
	reason, missed := s.missing["bad"]
	switch {
	case len(s.latencies) != healthy || len(s.missing) > 1:
		return "others than the bad one are missing: " + s.body
	case must && !missed, missed && !slices.Contains(reasons, reason):
		return "the bad one is missing for " + reason + ", want " + strings.Join(reasons, " or ") + ": " + s.body
	}
	return ""
}

func p99(all []sample) time.Duration {
	var l []time.Duration
	for _, s := range all {
		l = append(l, s.latencies...)
	}
	return percentile(l, 99)
}

func ms(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }

// silent are the reasons for which a connected but silent driver is missing, in the order in which the server detects
// them.
var silent = []string{"deadline", "unresponsive", "stale"}

// stopsDead is a driver process that SIGSTOP stops.
func stopsDead(w *world) *badDriver {
	p := example{"go", []string{goExample(w.t)}}.run(w.t, "bad", w.client.url)
	return &badDriver{misbehave: p.Suspend, first: silent[:1], then: silent}
}

// fallsSilent is a driver whose connection is half open: data for it is accepted, and nothing comes back.
func fallsSilent(w *world) *badDriver {
	proxy := swarmtest.NewProxy(w.t)
	proxy.Forward(w.server.Addr)
	example{"go", []string{goExample(w.t)}}.run(w.t, "bad", proxy.URL())
	return &badDriver{misbehave: func() { proxy.Silence(true) }, first: silent[:1], then: silent}
}

// neverReads is a driver that heartbeats and does not read. It misbehaves once the kernel's buffers for it are full.
func neverReads(w *world) *badDriver {
	b, err := joinNarrow(w.server.Addr, "bad")
	if err != nil {
		w.t.Fatal(err)
	}
	quiet, ended := make(chan struct{}), make(chan struct{})
	go func() { // ends with the test
		defer close(ended)
		heartbeats([]*bare{b}, quiet)
	}()
	w.t.Cleanup(func() {
		close(quiet)
		_ = b.conn.Close()
		<-ended
	})
	return &badDriver{misbehave: func() { w.jam("bad") }, first: silent[:2], then: append(silent, "write_timeout"),
		after: func() {
			eventually(w.t, patience, "the driver that never reads is cut off", func() bool {
				return strings.Contains(w.server.Err.String(), "driver_id=bad deregistered=false reason=write_timeout")
			})
		}}
}

// joinNarrow joins with a small receive buffer, so that the kernel holds little unread data. The buffer must be small
// before the connection is made.
func joinNarrow(addr, id string) (*bare, error) {
	small := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF,
				4096)
		})
	}}
	conn, err := small.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	b, err := upgraded(conn, patience)
	if err != nil {
		return nil, err
	}
	return b, b.register(id)
}

// jam sends commands to a driver that does not read, until one supersedes the one before: then its socket is full.
func (w *world) jam(id string) {
	w.t.Helper()
	players := int64(0)
	more := func() (seq uint64) {
		players++
		a, err := w.client.post(w.t.Context(), command{
			submitter: "ops", target: id, players: players, prefer: "respond-async",
		})
		if err != nil || !a.accepted() && a.code != "no_active_drivers" { // a heartbeat may be late on a busy machine
			w.t.Fatalf("after %d commands: %d %s %v", players, a.status, a.body, err)
		}
		return a.entry.Seq
	}
	eventually(w.t, patience, "the socket is full", func() bool {
		first := more()
		for range 30 { // by then the outcome of the first, if it has one, is in the log
			more()
		}
		var e entry
		return first != 0 && w.client.get(w.t.Context(), fmt.Sprintf("/commands/%d", first), &e) == nil &&
			e.Counts.Superseded > 0
	})
	var last entry // when it is closed, all earlier ones are, so their outcomes do not disturb the next measurement
	if err := w.client.get(w.t.Context(), fmt.Sprintf("/commands/%d?wait_ms=10000", more()), &last); err != nil ||
		last.Status == "pending" {
		w.t.Fatalf("%+v %v", last, err)
	}
}
