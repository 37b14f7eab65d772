package conformance

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/driver/internal/script"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// Times of the script: short, so that the check is short, but long enough for a busy machine.
const (
	interval = 200 * time.Millisecond // of heartbeats
	longer   = 2 * interval           // the interval after a change
	leaseTTL = 2 * time.Second
	deadline = 2 * time.Second
	slack    = time.Second // for a driver to report what it did, in addition to the time of its ramp
	comeback = wire.ReconnectCap + 5*time.Second
	// how long to watch for a driver that must not reconnect; a new process first waits 0.5 s at most
	aloneness = 1500 * time.Millisecond
)

// kit is the state of one check. The script runs in one goroutine.
type kit struct {
	book
	ctx    context.Context
	end    context.CancelFunc
	opts   Options
	begun  time.Time
	script *script.Server
	record transcript
	serve  sync.WaitGroup
	http   *http.Server

	gate    sync.Mutex
	held    chan struct{} // closed to let waiting connections in; nil: none has to wait
	proxied int           // how many of the next requests to connect are answered as a proxy would
	process Process

	credential credential

	// What is known about the driver across connections.
	id           string
	instance     string
	capabilities []string
	logID        string
	seq          uint64 // last one used
	applied      uint64 // highest seq that was answered
	frames       int
	answered     int
	slowest      time.Duration
	sentAt       time.Time
	waits        []time.Duration // before each reconnect
}

func newKit(ctx context.Context, o Options) *kit {
	k := &kit{opts: o, begun: time.Now(), script: script.New(), logID: "check-a.1",
		credential: credential{token: o.Token}}
	k.ctx, k.end = context.WithCancel(ctx)
	k.record = transcript{out: o.Transcript, begun: k.begun}
	k.script.Gate, k.script.Observe = k.admit, k.observe
	k.http = &http.Server{Handler: k.script, ReadHeaderTimeout: 10 * time.Second}
	k.serve.Go(func() { _ = k.http.Serve(o.Listener) })
	return k
}

func (k *kit) close() {
	k.end()
	k.release()
	_ = k.http.Close()
	k.script.Close()
	k.serve.Wait()
	k.kill()
}

// observe writes the transcript, and detects requests that never become a connection.
func (k *kit) observe(e script.Event) {
	k.record.write(e)
	if e.Conn == 0 && e.From == "driver" {
		k.fail(Handshake, "%s; want %s", e.Detail, wire.Subprotocol)
	}
}

func (k *kit) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	k.record.write(script.Event{At: time.Now(), From: "kit", What: "note", Detail: text})
	k.opts.Progress(text)
}

// admit lets requests to connect in when the script allows them.
func (k *kit) admit(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != "/drivers/connect" {
		k.fail(Handshake, "requested %s; want /drivers/connect", r.URL.Path)
		http.NotFound(w, r)
		return false
	}
	held, proxied := k.passage()
	if proxied {
		k.proxy(w)
		return false
	}
	if !k.authentic(w, r) {
		return false
	}
	if held == nil {
		return true
	}
	select {
	case <-held:
		return true
	case <-r.Context().Done():
	case <-k.ctx.Done():
	}
	return false
}

// passage says how the next request to connect is answered.
func (k *kit) passage() (held chan struct{}, proxied bool) {
	k.gate.Lock()
	defer k.gate.Unlock()
	if k.proxied > 0 {
		k.proxied--
		return nil, true
	}
	return k.held, false
}

// proxy answers like a reverse proxy while the server behind it restarts: that is not a refusal.
func (k *kit) proxy(w http.ResponseWriter) {
	k.record.write(script.Event{At: time.Now(), From: "kit", What: "note", Detail: "answers 404 text/html, as a proxy"})
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Server", "proxy")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("<html><h1>404 Not Found</h1></html>"))
}

// behindProxy answers the next request to connect as a proxy would.
func (k *kit) behindProxy() {
	k.gate.Lock()
	defer k.gate.Unlock()
	k.proxied = 1
}

// hold keeps new connections waiting in the handshake, as a server that hangs does, until release.
func (k *kit) hold() {
	k.gate.Lock()
	defer k.gate.Unlock()
	if k.held == nil {
		k.held = make(chan struct{})
	}
}

func (k *kit) release() {
	k.gate.Lock()
	defer k.gate.Unlock()
	if k.held != nil {
		close(k.held)
		k.held = nil
	}
}

// start starts the driver, if Options.Start is set.
func (k *kit) start() error {
	if k.opts.Start == nil {
		return nil
	}
	k.kill()
	p, err := k.opts.Start()
	if err != nil {
		return fmt.Errorf("start the driver: %w", err)
	}
	k.process = p
	return nil
}

// kill ends the driver that was started, if it still runs.
func (k *kit) kill() {
	if k.process == nil {
		return
	}
	k.process.Kill()
	<-k.process.Done()
	k.process = nil
}

// ending returns a channel that is closed when the started driver has ended; nil if none was started.
func (k *kit) ending() <-chan struct{} {
	if k.process == nil {
		return nil
	}
	return k.process.Done()
}

func (k *kit) report() Report {
	return Report{DriverID: k.id, Took: time.Since(k.begun), Results: k.results()}
}

// takes reports whether the driver supports commands of this type.
func (k *kit) takes(kind string) bool {
	for _, c := range k.capabilities {
		if c == kind {
			return true
		}
	}
	return len(k.capabilities) == 0
}
