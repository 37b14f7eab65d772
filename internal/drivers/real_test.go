package drivers

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/bare"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

// TestPeerThatStopsReadingShowsEarly is about the kernel, so it runs on real sockets and in real time: the kernel
// accepts little data for a driver that does not read, its outbox holds three commands at most, and its session ends 10
// s after the last progress.
func TestPeerThatStopsReadingShowsEarly(t *testing.T) {
	testenv.Slow(t, "waits for the write timeout of 10 s")
	sink := &sinkLog{}
	r, err := New(Config{
		HeartbeatInterval: time.Second, StaleAfter: 30 * time.Second, ForgetAfter: time.Minute, LeaseTTL: time.Minute,
		OnLeaseLost: OnLeaseLostStop, Past: Past{LogID: "log.1", LastSeq: 1},
	}, sink, sink)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	swept := make(chan struct{})
	go func() { defer close(swept); r.Run(ctx) }()
	server := httptest.NewServer(r.Handler(func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}))
	defer server.Close()
	defer func() {
		r.Shutdown(ctx)
		cancel()
		<-swept
	}()
	small := &net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF,
				4096)
		})
	}}
	client := &http.Client{Transport: &http.Transport{DialContext: small.DialContext}}
	d := bare.Dial(t, "ws"+strings.TrimPrefix(server.URL, "http"), client)
	defer func() { _ = d.Conn.CloseNow() }()
	p := &peer{Driver: d, t: t, ws: d.Conn}
	p.send(`{"type":"register","driver_id":"deaf"}`)
	var reg wire.Registered
	p.receive(&reg)

	note := strings.Repeat("x", command.MaxNoteBytes)
	sent := 0
	began := time.Now()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for seq := uint64(2); ; seq++ {
		c := swarm.Command{Type: command.SetPlayers, Value: 1, Note: note}
		sink.handover(seq, r.Offer(swarm.Issue{Seq: seq, Command: c, Targets: []string{"deaf"}, Deadline: time.Second}))
		if waiting := sink.count("superseded"); waiting >= 50 { // nothing has left for 10 ms
			break
		}
		sent += len(commandFrame(seq, c, time.Second))
		if seq > 100_000 {
			t.Fatal("the kernel takes it all")
		}
		<-tick.C
	}
	filled := time.Since(began)
	for sink.count("disconnected") == 0 {
		if time.Since(began) > time.Minute {
			t.Fatal("the session has not ended")
		}
		<-tick.C
	}
	took := time.Since(began)
	t.Logf("%d KiB were taken for a peer that does not read, in %v; its session ended after %v", sent>>10, filled, took)
	if sent > 256<<10 {
		t.Errorf("%d bytes were taken for a peer that does not read", sent)
	}
	events := sink.all()
	last, late := events[len(events)-1], took < WriteTimeout || took > filled+3*WriteTimeout
	if last != `["disconnected","deaf","write_timeout"]` || late {
		t.Errorf("after %v: %s", took, last)
	}
}
