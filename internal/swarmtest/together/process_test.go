package together

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// process is a driver that follows the contract, written without the SDK. Its memory outlives its connections.
type process struct {
	id     string
	labels map[string]string
	client *http.Client
	url    string
	mute   bool // registers without its state

	mu      sync.Mutex
	change  sync.Cond
	applied uint64
	slot    map[string]uint64 // newest seq applied of each slot
	results map[uint64]string // status that was answered first
	// the latest status: a rejected command may be applied when it is desired later
	now     map[uint64]string
	refused bool                 // it has rejected a command at some time
	times   map[uint64]int       // how often each seq was applied
	told    map[uint64]time.Time // when the answer was first sent
	state   wire.State
	seen    []sighting
	newest  uint64 // highest seq ever applied, also before startAfresh

	heardAt   time.Time     // last frame of the server
	lease     time.Duration // 0 before the first registered
	leaseLost bool
	session   int // counts connections

	mode mode
	owed []heldAck   // answers that are held
	slow chan func() // answers that are sent a little later, while the process reads on; nil: none
	conn *websocket.Conn
	gone bool // for good
	over chan struct{}
	runs sync.WaitGroup
}

// sighting is one command as the process received it, applied or not.
type sighting struct {
	at      time.Time
	session int
	seq     uint64
	command wire.Command
	desired bool
}

// heldAck is an answer that is held back.
type heldAck struct {
	seq   uint64
	frame []byte
}

// mode is the behaviour of a process.
type mode int

const (
	acks    mode = iota
	holds        // applies and heartbeats, but does not answer
	rejects      // refuses every command
	hung         // does nothing at all, as after SIGSTOP
	deaf         // heartbeats, but reads nothing
)

func newProcess(id string, client *http.Client, url string) *process {
	p := &process{
		id: id, client: client, url: url, slot: map[string]uint64{}, results: map[uint64]string{},
		now: map[uint64]string{}, times: map[uint64]int{}, told: map[uint64]time.Time{}, over: make(chan struct{}),
	}
	p.change.L = &p.mu
	p.runs.Go(p.heartbeats)
	return p
}

// connect dials and registers, and replaces an existing connection.
func (p *process) connect() error {
	p.cut()
	conn, resp, err := websocket.Dial(context.Background(), p.url, &websocket.DialOptions{
		HTTPClient: p.client, Subprotocols: []string{wire.Subprotocol},
		OnPingReceived: func(context.Context, []byte) bool { p.heard(); return true },
	})
	if err != nil {
		return err
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	p.mu.Lock()
	p.conn = conn
	p.session++
	session, state := p.session, p.state
	reg := wire.Register{
		Type: wire.TypeRegister, DriverID: p.id, Instance: p.id, Labels: p.labels, LogID: "log.1",
		AppliedSeq: p.applied, State: &state,
		LeaseLost: p.leaseLost,
	}
	if p.mute {
		reg.State = nil
	}
	p.mu.Unlock()
	if err := conn.Write(context.Background(), websocket.MessageText, wire.Encode(reg)); err != nil {
		return err
	}
	p.runs.Go(func() { p.read(conn, session) })
	return nil
}

func (p *process) read(conn *websocket.Conn, session int) {
	defer func() { _ = conn.CloseNow() }()
	for {
		_, b, err := conn.Read(context.Background())
		if err != nil {
			p.mu.Lock()
			if p.conn == conn {
				p.conn = nil
			}
			p.mu.Unlock()
			return
		}
		p.receive(conn, session, b)
	}
}

func (p *process) receive(conn *websocket.Conn, session int, b []byte) {
	var f struct {
		Type    string
		Seq     uint64
		Command wire.Command
		Desired []wire.Desired
		Lease   int64 `json:"lease_ttl_ms"`
	}
	if err := json.Unmarshal(b, &f); err != nil {
		panic(err)
	}
	p.heard()
	switch f.Type {
	case wire.TypeRegistered:
		p.mu.Lock()
		p.lease, p.leaseLost = time.Duration(f.Lease)*time.Millisecond, false
		p.mu.Unlock()
		for _, d := range f.Desired {
			p.take(conn, session, d.Seq, d.Command, true)
		}
	case wire.TypeCommand:
		p.take(conn, session, f.Seq, f.Command, false)
	}
}

func (p *process) heard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heardAt = time.Now()
}

// keepLease stops the load if no frame has come for a lease, and drops the frames that wait on the connection. The lock
// is held.
func (p *process) keepLease() {
	if p.lease == 0 || time.Since(p.heardAt) < p.lease {
		return
	}
	p.halt()
	p.lease, p.leaseLost = 0, true
	if conn := p.conn; conn != nil {
		p.conn, p.owed = nil, nil
		go func() { _ = conn.CloseNow() }() // it may wait for a peer that reads nothing
	}
}

// stopLoad stops the load without a command, like a driver that has finished. It is not bound by its earlier answers.
func (p *process) stopLoad() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halt()
	clear(p.results)
	clear(p.now)
}

// halt ends the load. The desired command is applied again later, although it was the last one of the slot. The lock is
// held.
func (p *process) halt() {
	p.state.Players, p.state.Running = 0, false
	delete(p.slot, "players")
	clear(p.times)
}

// startAfresh starts a new process with the id of the old one, without any memory.
func (p *process) startAfresh() {
	p.cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.applied, p.state, p.lease, p.leaseLost = 0, wire.State{}, 0, false
	clear(p.slot)
	clear(p.results)
	clear(p.now)
	clear(p.times)
}

func slotOf(c wire.Command) string {
	if c.Type == "set_spawn_delay_ms" {
		return "delay"
	}
	return "players"
}

// take handles a command by the rules of docs/protocol.md: desired commands by slot, live frames by seq.
func (p *process) take(conn *websocket.Conn, session int, seq uint64, c wire.Command, desired bool) {
	p.mu.Lock()
	for (p.mode == hung || p.mode == deaf) && !p.gone {
		p.change.Wait()
	}
	if p.conn != conn {
		p.mu.Unlock()
		return // the connection was lost before this was read
	}
	slot := slotOf(c)
	fresh := seq > p.applied
	if desired {
		fresh = seq != p.slot[slot]
	}
	p.seen = append(p.seen, sighting{time.Now(), session, seq, c, desired})
	status := p.now[seq]
	if fresh || status == "" {
		status = wire.StatusApplied
		if p.mode == rejects {
			status, p.refused = wire.StatusRejected, true
		}
		if p.results[seq] == "" {
			p.results[seq] = status
		}
		p.now[seq] = status
	}
	if fresh && status == wire.StatusApplied {
		p.apply(seq, slot, c)
	}
	ack := wire.Encode(wire.CommandAck{Type: wire.TypeCommandAck, Seq: seq, Status: status})
	held := p.mode == holds
	if held {
		p.owed = append(p.owed, heldAck{seq, ack})
	}
	p.mu.Unlock()
	switch {
	case held:
	case p.slow != nil:
		p.slow <- func() { p.answer(conn, heldAck{seq, ack}) }
	default:
		p.answer(conn, heldAck{seq, ack})
	}
}

// answerSlowly makes the process wait before each answer, and read on meanwhile. It must not be connected.
func (p *process) answerSlowly(after time.Duration) {
	p.slow = make(chan func(), 1000)
	p.runs.Go(func() {
		for {
			select {
			case <-p.over:
				return
			case answer := <-p.slow:
				swarmtest.Advance(after)
				answer()
			}
		}
	})
}

func (p *process) answer(conn *websocket.Conn, a heldAck) {
	if conn.Write(context.Background(), websocket.MessageText, a.frame) != nil {
		return // a lost connection shows in the reader
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, before := p.told[a.seq]; !before && p.conn == conn {
		p.told[a.seq] = time.Now()
	}
}

func (p *process) apply(seq uint64, slot string, c wire.Command) {
	p.times[seq]++
	p.newest = max(p.newest, seq)
	p.applied, p.slot[slot] = max(p.applied, seq), seq
	switch c.Type {
	case "set_players":
		p.state.Players, p.state.Running = *c.Players, true
	case "set_spawn_delay_ms":
		p.state.SpawnDelayMS = *c.SpawnDelayMS
	case "stop":
		p.state.Players, p.state.Running = 0, false
	}
}

func (p *process) heartbeats() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-p.over:
			return
		case <-tick.C:
		}
		p.mu.Lock()
		if p.mode != hung {
			p.keepLease()
		}
		conn, quiet, state := p.conn, p.mode == hung, p.state
		beat := wire.Encode(wire.Heartbeat{Type: wire.TypeHeartbeat, AppliedSeq: p.applied, State: &state})
		p.mu.Unlock()
		if conn != nil && !quiet {
			_ = conn.Write(context.Background(), websocket.MessageText, beat)
		}
	}
}

// say sends a frame unchanged.
func (p *process) say(frame []byte) {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	if conn != nil {
		_ = conn.Write(context.Background(), websocket.MessageText, frame)
	}
}

// behave changes the mode; leaving holds sends the held answers.
func (p *process) behave(m mode) {
	p.mu.Lock()
	p.mode = m
	if m != hung {
		p.keepLease() // before anything that waits is read
	}
	var due []heldAck
	if m == acks || m == rejects {
		due, p.owed = p.owed, nil
	}
	conn := p.conn
	p.change.Broadcast()
	p.mu.Unlock()
	for _, a := range due {
		if conn != nil {
			p.answer(conn, a)
		}
	}
}

// cut drops the connection without a close.
func (p *process) cut() {
	p.mu.Lock()
	conn := p.conn
	p.conn, p.owed = nil, nil
	p.mu.Unlock()
	if conn != nil {
		_ = conn.CloseNow()
	}
}

func (p *process) end(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	p.gone = true
	close(p.over)
	p.change.Broadcast()
	p.mu.Unlock()
	p.cut()
	p.runs.Wait()
}

func (p *process) connected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn != nil
}
