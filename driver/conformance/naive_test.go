package conformance_test

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/conformance"
	"github.com/swarmcall/swarmcall/driver/drivertest/memnet"
)

// naive is a driver that shares no code with the SDK. It follows docs/protocol.md, except for the one defect it is
// given. Its players are only a number.
type naive struct {
	network  *memnet.Listener
	defect   string
	token    func() string // reads the token; nil: there is none
	bare     bool          // reports no more than it must, and does not support the spawn delay
	instance string

	players, target, delay int64
	stepped                time.Time // when a player last started or ended
	logID                  string
	applied                int64
	slots                  [2]int64         // last seq of players and spawn delay
	answers                map[int64]string // by seq
	beat                   time.Duration
	ttl                    time.Duration
	hold, lost             bool
	heard                  time.Time
	accepted               bool
	hint                   time.Duration
	attempts               int
}

type frame map[string]any

func (n *naive) is(defect string) bool { return n.defect == defect }

// startNaive returns a function that starts naive drivers.
func startNaive(network *memnet.Listener, defect string, bare bool) func() (conformance.Process, error) {
	return startNaiveWith(network, defect, bare, nil)
}

// startNaiveWith is startNaive for drivers with a token.
func startNaiveWith(network *memnet.Listener, defect string, bare bool, token func() string) func() (conformance.Process,
	error) {
	return func() (conformance.Process, error) {
		ctx, leave := context.WithCancel(context.Background())
		p := &process{leave: leave, kill: leave, done: make(chan struct{})}
		n := &naive{
			network: network, defect: defect, bare: bare, instance: "i-" + time.Now().String()[:10],
			answers: map[int64]string{}, token: token,
		}
		if token != nil && defect == "reads its token once" {
			first := token()
			n.token = func() string { return first }
		}
		go func() {
			defer close(p.done)
			n.live(ctx)
		}()
		return p, nil
	}
}

func (n *naive) live(ctx context.Context) {
	transport := &http.Transport{DialContext: n.network.Dial}
	defer transport.CloseIdleConnections()
	for ctx.Err() == nil {
		code := n.session(ctx, &http.Client{Transport: transport})
		wait := rand.N(min(500*time.Millisecond<<min(n.attempts, 6), 30*time.Second)) + n.hint
		n.attempts++
		switch {
		case code == 1001 && n.is("ignores the hint"):
			wait = 0
		case code == 1013 && !n.is("is impatient"):
			wait += 2 * time.Second
		case (code == 1000 || code >= 4000) && !n.is("comes back always"):
			return
		case code == -1 && n.is("gives up"):
			return
		}
		n.hint = 0
		n.idle(ctx, wait)
	}
}

// idle waits, and keeps ticking meanwhile.
func (n *naive) idle(ctx context.Context, wait time.Duration) {
	for end := time.Now().Add(wait); time.Now().Before(end) && ctx.Err() == nil; {
		<-time.After(min(20*time.Millisecond, time.Until(end)))
		n.tick()
	}
}

// tick moves the ramp one step if it is due, and checks the lease.
func (n *naive) tick() {
	if time.Since(n.stepped) >= time.Duration(n.delay)*time.Millisecond {
		n.stepped = time.Now()
		n.players += min(max(n.target-n.players, -1), 1)
	}
	if n.ttl == 0 || time.Since(n.heard) < n.ttl || n.is("knows no lease") {
		return
	}
	n.ttl, n.lost = 0, true
	if !n.hold || n.is("stops on hold") {
		n.target, n.players = 0, 0
		if !n.is("forgets to take up") {
			n.slots[0] = 0
		}
	}
}

func (n *naive) session(ctx context.Context, client *http.Client) (code int) {
	dialing, dialed := context.WithCancel(ctx)
	defer dialed()
	var conn *websocket.Conn
	var refusal string
	done := make(chan error, 1)
	go func() {
		var err error
		protocols := []string{"swarmcall.v1.json"}
		if n.is("offers nothing") {
			protocols = nil
		}
		options := &websocket.DialOptions{
			HTTPClient: client, Subprotocols: protocols,
			OnPingReceived: func(context.Context, []byte) bool { return !n.is("answers no ping") },
		}
		const address = "http://swarmcall.test/drivers/connect"
		if n.token != nil {
			options.HTTPHeader = http.Header{"Authorization": {"Bearer " + n.token()}}
		}
		var answer *http.Response
		conn, answer, err = websocket.Dial(dialing, address, options) //nolint:bodyclose // Dial has closed it
		if err != nil && answer != nil && answer.Body != nil {
			body, _ := io.ReadAll(answer.Body)
			refusal = string(body)
		}
		done <- err
	}()
	for waiting := true; waiting; { // the lease does not wait for the handshake
		select {
		case err := <-done:
			if err != nil && n.token != nil && strings.Contains(err.Error(), "401") {
				return n.refused(refusal)
			}
			if err != nil && n.is("obeys a proxy") && strings.Contains(err.Error(), "404") {
				return 4404 // treats any answer as a refusal
			}
			if err != nil {
				return -1
			}
			waiting = false
		case <-time.After(20 * time.Millisecond):
			n.tick()
		}
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(32 << 10)
	return n.talk(ctx, conn)
}

// refused is the code after a 401: one that means stop, unless the token has expired.
func (n *naive) refused(problem string) (code int) {
	final := !strings.Contains(problem, `"code":"token_expired"`)
	if n.is("gives up an expired token") || final && !n.is("insists on a refused token") {
		return 4401
	}
	return -1
}

func (n *naive) talk(ctx context.Context, conn *websocket.Conn) (code int) {
	frames, ended := make(chan frame), make(chan int, 1)
	var open atomic.Bool
	open.Store(true)
	go func() {
		for {
			_, b, err := conn.Read(context.Background())
			if err != nil {
				ended <- int(websocket.CloseStatus(err))
				return
			}
			var f frame
			_ = json.Unmarshal(b, &f)
			if open.Load() {
				frames <- f
			}
		}
	}()
	defer func() {
		open.Store(false)
		_ = conn.CloseNow()
		for {
			select {
			case <-frames:
			case <-ended:
				return
			}
		}
	}()
	n.accepted, n.beat = false, time.Hour
	if n.is("beats first") {
		n.send(conn, n.heartbeat())
	}
	n.send(conn, n.register())
	clock := time.NewTicker(20 * time.Millisecond)
	defer clock.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			if !n.is("just goes") {
				n.send(conn, frame{"type": "deregister"})
				select {
				case c := <-ended:
					ended <- c
				case <-time.After(2 * time.Second):
				}
			}
			return 1000
		case c := <-ended:
			ended <- c
			return c
		case f := <-frames:
			if n.accepted {
				n.heard = time.Now()
			}
			if !n.take(conn, f) {
				return -1
			}
		case <-clock.C:
			n.tick()
			if n.accepted && time.Since(last) >= n.beat-5*time.Millisecond {
				last = time.Now()
				n.send(conn, n.heartbeat())
			}
		}
	}
}

func (n *naive) send(conn *websocket.Conn, f frame) {
	b, _ := json.Marshal(f)
	_ = conn.Write(context.Background(), websocket.MessageText, b)
}

func (n *naive) state() frame {
	players := n.players
	if n.is("reports the target") {
		players = n.target
	}
	return frame{"players": players, "spawn_delay_ms": n.delay, "running": n.players > 0}
}

func (n *naive) register() frame {
	instance := n.instance
	if n.is("has many instances") {
		instance += time.Now().String()
	}
	f := frame{"type": "register", "driver_id": "naive", "instance": instance[:min(len(instance), 200)]}
	if n.lost && !n.is("hides the loss") {
		f["lease_lost"] = true
	}
	if !n.is("says not how far") {
		f["log_id"], f["applied_seq"] = n.logID, n.applied
	}
	if n.bare {
		delete(f, "instance")
		f["capabilities"] = []string{"set_players", "stop"}
	} else {
		f["state"] = n.state()
	}
	return f
}

func (n *naive) heartbeat() frame {
	f := frame{"type": "heartbeat"}
	if !n.bare {
		f["applied_seq"], f["state"] = n.applied, n.state()
	}
	if n.is("sends bad metrics") {
		f["metrics"] = frame{"rps": "fast"}
	}
	return f
}

// take carries out a frame. It returns false to end the session.
func (n *naive) take(conn *websocket.Conn, f frame) bool {
	switch f["type"] {
	case "registered":
		n.registered(conn, f)
	case "heartbeat_ack":
		if ms, ok := f["heartbeat_interval_ms"].(float64); ok && !n.is("keeps its pace") {
			n.beat = time.Duration(ms) * time.Millisecond
		}
	case "drain":
		n.hint = time.Duration(f["reconnect_after_ms"].(float64)) * time.Millisecond
	case "command":
		n.command(conn, f, false)
	case "error":
	default:
		return !n.is("ends at the unknown")
	}
	return true
}

func (n *naive) registered(conn *websocket.Conn, f frame) {
	n.accepted, n.lost, n.heard = true, false, time.Now()
	n.beat = time.Duration(f["heartbeat_interval_ms"].(float64)) * time.Millisecond
	n.ttl, n.hold = time.Duration(f["lease_ttl_ms"].(float64))*time.Millisecond, f["on_lease_lost"] == "hold"
	if id := f["log_id"].(string); id != n.logID && !n.is("remembers the other log") {
		n.logID, n.applied, n.slots, n.answers = id, 0, [2]int64{}, map[int64]string{}
	}
	for _, d := range f["desired"].([]any) {
		n.command(conn, d.(map[string]any), true)
	}
}

func (n *naive) command(conn *websocket.Conn, f frame, desired bool) {
	seq, c := int64(f["seq"].(float64)), f["command"].(map[string]any)
	slot := 0
	if c["type"] == "set_spawn_delay_ms" {
		slot = 1
	}
	known := seq <= n.applied
	if desired && !n.is("fences desired") {
		known = n.slots[slot] == seq
	}
	if desired && n.is("applies desired always") || !desired && n.is("applies twice") {
		known = false
	}
	if !known {
		code, silent := n.apply(c)
		if silent {
			return
		}
		n.answers[seq] = code
		n.applied, n.slots[slot] = max(n.applied, seq), seq
	}
	ack := frame{"type": "command_ack", "seq": seq, "status": "applied"}
	if code := n.answers[seq]; code != "" && (!known || !n.is("forgets rejections")) {
		ack["status"], ack["code"] = "rejected", code
	}
	if n.is("swallows acks") && seq%4 == 0 {
		return
	}
	n.send(conn, ack)
}

func (n *naive) apply(c frame) (code string, silent bool) {
	number := func(name string) int64 { v, _ := c[name].(float64); return int64(v) }
	switch c["type"] {
	case "set_players":
		if c["players"] == nil {
			return "invalid_command", false
		}
		n.target = number("players")
	case "set_spawn_delay_ms":
		n.delay = number("spawn_delay_ms")
	case "stop":
		n.target = 0
		if !n.is("ramps down on stop") {
			n.players = 0
		}
		if n.is("starts again later") {
			n.target = 1
		}
	default:
		return "unsupported_command", n.is("is silent")
	}
	return "", false
}
