package natstest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
)

// patience is how long anything may take: an election takes up to nine seconds on an idle machine.
const patience = 2 * time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// writer publishes to the stream S.
type writer struct {
	t    *testing.T
	js   jetstream.JetStream
	sent uint64
}

// newWriter creates the stream S on all servers of a cluster.
func newWriter(t *testing.T, c *natstest.Cluster, nc *nats.Conn) *writer {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{t: t, js: js}
	cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: len(c.Servers)}
	w.retry("create the stream", func(ctx context.Context) error {
		_, err := js.CreateStream(ctx, cfg)
		return err
	})
	return w
}

// publish publishes a message, again and again until one is acknowledged: an attempt during an election has no answer.
func (w *writer) publish() {
	w.t.Helper()
	w.sent++
	w.retry("publish", func(ctx context.Context) error {
		ack, err := w.js.Publish(ctx, "s", nil, jetstream.WithMsgID(string(rune('a'+w.sent))))
		if err == nil && ack.Sequence != w.sent {
			w.t.Fatalf("message %d has sequence %d", w.sent, ack.Sequence)
		}
		return err
	})
}

func (w *writer) retry(what string, do func(context.Context) error) {
	w.t.Helper()
	all, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for {
		ctx, done := context.WithTimeout(all, 2*time.Second)
		err := do(ctx)
		done()
		if err == nil {
			return
		}
		select {
		case <-all.Done():
			w.t.Fatalf("%s: %v", what, err)
		case <-time.After(50 * time.Millisecond): // an error may come at once
		}
	}
}

// follower is a server that does not lead S.
func follower(leader int) int { return (leader + 1) % 3 }

func TestKilledLeader(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 3})
	w := newWriter(t, c, c.Connect(t, c.URLs()))
	w.publish()
	leader := c.Leader(t.Context(), "S")
	c.Servers[leader].Kill()
	w.publish()
	next := c.OtherLeader(t.Context(), "S", leader)
	c.Servers[leader].Start()
	c.WaitReady(t.Context())
	c.Servers[next].Stop() // the one that was killed has a vote again, and all messages
	c.Servers[follower(next)].Stop()
	c.Servers[next].Start()
	c.Servers[follower(next)].Start()
	c.WaitReady(t.Context())
	w.publish()
}

func TestIsolatedLeader(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 3})
	w := newWriter(t, c, c.Connect(t, c.URLs()))
	w.publish()
	leader := c.Leader(t.Context(), "S")
	c.Isolate(leader)
	next := c.OtherLeader(t.Context(), "S", leader)
	w2 := &writer{t: t, js: connect(t, c, c.URL(next)), sent: w.sent}
	w2.publish()
	for range 100 { // gossip must not lead around the proxies
		if n, err := c.Servers[leader].Routes(t.Context()); err != nil || n != 0 {
			t.Fatalf("the isolated server has %d routes (%v)", n, err)
		}
	}
	c.Heal()
	c.WaitReady(t.Context())
	w2.publish()
	if n, err := c.Servers[leader].Routes(t.Context()); err != nil || n == 0 {
		t.Errorf("the server has %d routes (%v)", n, err)
	}
}

func connect(t *testing.T, c *natstest.Cluster, urls string) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(c.Connect(t, urls))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestPausedLeader(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 3})
	w := newWriter(t, c, c.Connect(t, c.URLs()))
	w.publish()
	leader := c.Leader(t.Context(), "S")
	c.Servers[leader].Pause()
	next := c.OtherLeader(t.Context(), "S", leader)
	w2 := &writer{t: t, js: connect(t, c, c.URL(next)), sent: w.sent}
	w2.publish()
	c.Servers[leader].Resume()
	c.WaitReady(t.Context())
	w2.publish()
}

func TestLink(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 3})
	urls, link := c.Through(t)
	lost, back := make(chan error, 100), make(chan struct{}, 100)
	nc := c.Connect(t, urls, nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { lost <- err }),
		nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }), nats.Timeout(200*time.Millisecond))
	other := c.Connect(t, c.URLs())
	echo(t, nc)

	link.Cut()
	await(t, lost)
	if err := other.Flush(); err != nil {
		t.Errorf("another client was cut too: %v", err)
	}
	if err := nc.FlushTimeout(time.Second); err == nil {
		t.Error("something passes a cut link")
	}
	link.Heal()
	await(t, back)
	echo(t, nc)

	link.Silence()
	if err := nc.FlushTimeout(200 * time.Millisecond); !errors.Is(err, nats.ErrTimeout) || !nc.IsConnected() {
		t.Errorf("a silent link: %v, connected: %v", err, nc.IsConnected())
	}
	link.Heal()
	echo(t, nc)

	for _, s := range c.Servers { // with other ports afterwards
		s.Kill()
		s.Start()
	}
	await(t, back)
	echo(t, nc)
}

func await[T any](t *testing.T, event <-chan T) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		t.Fatal("it did not happen")
	}
}

// echo sends a client a message from itself.
func echo(t *testing.T, nc *nats.Conn) {
	t.Helper()
	got := make(chan *nats.Msg, 1)
	sub, err := nc.ChanSubscribe("echo", got)
	if err == nil {
		err = nc.Publish("echo", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	await(t, got)
	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
}

func TestCreds(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 3, Creds: true})
	w := newWriter(t, c, c.Connect(t, c.URLs()))
	w.publish()
	c.Leader(t.Context(), "S")
	refused(t, c.URLs())
}

func TestPassword(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1, User: "u", Password: "123"})
	w := newWriter(t, c, c.Connect(t, c.URLs()))
	w.publish()
	if leader := c.Leader(t.Context(), "S"); leader != 0 {
		t.Errorf("%d leads", leader)
	}
	c.Servers[0].Stop()
	c.Servers[0].Start()
	c.WaitReady(t.Context())
	w.publish()
	refused(t, strings.Replace(c.URL(0), "123", "124", 1))
}

func TestTLS(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1, TLS: true})
	newWriter(t, c, c.Connect(t, c.URLs())).publish()
	if nc, err := nats.Connect(c.URLs()); err == nil {
		nc.Close()
		t.Error("a client took a certificate that it cannot verify")
	}
}

// refused checks that the servers refuse a client.
func refused(t *testing.T, urls string) {
	t.Helper()
	nc, err := nats.Connect(urls)
	if err == nil {
		nc.Close()
	}
	if !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("got %v", err)
	}
}
