package drivers

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
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
	offered := 0
	began := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for seq := uint64(2); sink.count("disconnected") == 0; seq++ { // commands go on, so that the buffers fill at any pace
		c := swarm.Command{Type: command.SetPlayers, Value: 1, Note: note}
		sink.handover(seq, r.Offer(swarm.Issue{Seq: seq, Command: c, Targets: []string{"deaf"}, Deadline: time.Second}))
		offered++
		<-tick.C
	}
	took := time.Since(began)
	sent := (offered - sink.count("superseded")) * len(commandFrame(2, swarm.Command{
		Type: command.SetPlayers, Value: 1, Note: note,
	}, time.Second, ""))
	t.Logf("%d KiB were taken for a peer that does not read; its session ended after %v", sent>>10, took)
	if sent > 256<<10 {
		t.Errorf("%d bytes were taken for a peer that does not read", sent)
	}
	events := sink.all()
	ended := slices.Contains(events, `["disconnected","deaf","write_timeout"]`)
	if !ended || took < WriteTimeout {
		t.Errorf("after %v: %s", took, events[len(events)-1])
	}
}
