package migrate

import (
	"errors"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
)

// begin begins a copy of three records into the stream, which holds nothing yet.
func begin(t *testing.T, c *natstest.Cluster) (*stream.Stream, *stream.Copy) {
	t.Helper()
	s, info, err := stream.Open(t.Context(), stream.Config{
		Conn: c.Connect(t, c.URLs()), Name: logfile.StreamName, Subject: logfile.Subject, Replicas: 1, MaxBytes: 1 << 28,
	})
	if err != nil {
		t.Fatal(err)
	}
	to := stream.NewCopy(s, info.State.LastSeq, 3)
	for _, data := range []string{"1", "2", "3"} {
		if err := to.Add(t.Context(), []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	return s, to
}

// TestSomebodyElseAppends: the next append of a copy is refused, unless it is what was stored.
func TestSomebodyElseAppends(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1})
	s, to := begin(t, c)
	if err := s.Publish(t.Context(), stream.Append{ID: "a/b/1", Records: [][]byte{[]byte("x")}}); err != nil {
		t.Fatal(err)
	}
	if err := to.Flush(t.Context()); !errors.Is(err, stream.ErrTaken) || to.Last() != 0 {
		t.Errorf("after another append: %v, at %d", err, to.Last())
	}
	fresh(t, c)
	_, to = begin(t, c)
	_, second := begin(t, c)
	if err := errors.Join(to.Flush(t.Context()), second.Flush(t.Context())); err != nil || second.Last() != 3 {
		t.Errorf("the same append, as after a lost answer: %v, at %d", err, second.Last())
	}
	var got string
	err := s.Read(t.Context(), 1, 3, func(r stream.Record) error {
		got += string(r.Data)
		if (r.Position == 1) != (r.Copied == 3) || r.ID != "" {
			t.Errorf("position %d has the headers %+v", r.Position, r.Headers)
		}
		return nil
	})
	if err != nil || got != "123" {
		t.Errorf("the stream has %q: %v", got, err)
	}
}

// TestNATSIsKilled: a migration waits for a server that starts again, and goes on.
func TestNATSIsKilled(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1})
	dir := makeLog(t, 50_000)
	ended := make(chan result, 1)
	go func() { ended <- cli(t, "", migrate(dir, c.URLs())...) }()
	js := jet(t, c.Connect(t, c.URLs()))
	for begun := false; !begun; {
		s, err := js.Stream(t.Context(), logfile.StreamName)
		begun = err == nil && s.CachedInfo().State.LastSeq > 10_000
		select {
		case r := <-ended:
			t.Fatalf("it ended too early: %+v", r)
		case <-time.After(time.Millisecond):
		}
	}
	c.Servers[0].Kill()
	c.Servers[0].Start()
	if r := <-ended; r.code != 0 {
		t.Fatalf("code %d\n%s", r.code, r.err)
	}
	if ok(t, "log", "export", "--nats-url", c.URLs()) != ok(t, "log", "export", "--data-dir", dir) {
		t.Error("the export differs")
	}
}
