package process_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/hooktest"
)

// TestWebhooksThroughKills kills the server again and again while commands go on and endpoints are up or down. Every
// record arrives, none before the one that precedes it, and one that arrives again has the same id and body.
func TestWebhooksThroughKills(t *testing.T) {
	chance, seed := seeded(t)
	r := hooktest.New(t)
	w := newWorld(t, 3, "--webhooks-file",
		hooktest.File(t, r.Row("/all", ""), r.Row("/closed", ", events: [command.closed]")))
	cease := writeOn(w, 3)
	kills := rounds(5, 20)
	for round := range kills {
		isDown := round%3 == 1
		if isDown {
			r.Down()
		}
		<-time.After(time.Duration(50+chance.IntN(600)) * time.Millisecond)
		w.down()
		w.up()
		if isDown {
			r.Up()
		}
	}
	cease()
	lines := exported(t, w.launch.dir)
	var closed []string
	for _, line := range lines {
		if strings.Contains(line, `"event":"closed"`) {
			closed = append(closed, line)
		}
	}
	again := 0
	for path, want := range map[string][]string{"/all": lines[1:], "/closed": closed} { // the first was before the hook
		if !r.Until(path, patience, arrived(want[len(want)-1])) {
			t.Fatalf("%s has got %d posts and not the last of %d records", path, len(r.Posts(path)), len(want))
		}
		again += checkPosts(t, seed, path, r.Posts(path), want)
	}
	t.Logf("%d kills, %d records, %d of the posts were repetitions", kills, len(lines), again)
}

// arrived returns the condition that a line of the export was posted.
func arrived(line string) func([]hooktest.Post) bool {
	line = strings.TrimSpace(line)
	return func(posts []hooktest.Post) bool {
		for i := len(posts) - 1; i >= 0 && i > len(posts)-10; i-- {
			if posts[i].Data == line {
				return true
			}
		}
		return false
	}
}

// checkPosts compares the posts to an endpoint with the records that it should get, and returns how many came again.
func checkPosts(t *testing.T, seed uint64, path string, posts []hooktest.Post, want []string) (again int) {
	t.Helper()
	f := func(what string) *tally { return &tally{t: t, what: path + ": " + what, seed: seed} }
	next := f("new posts that are not the next record, byte for byte")
	same := f("posts that differ when they come again")
	first := map[uint64]hooktest.Post{}
	for _, p := range posts {
		was, known := first[p.Position]
		switch {
		case known:
			again++
			same.trial(was == p, "first %+v, then %+v", was, p)
		case len(first) < len(want): // else it is newer than the export
			line := strings.TrimSpace(want[len(first)])
			next.trial(p.Data == line, "%s is posted, the next record is %s", p.Data, line)
			first[p.Position] = p
		}
	}
	next.trial(len(first) == len(want), "%d of %d records arrived", len(first), len(want))
	next.report()
	if again > 0 {
		same.report()
	}
	return again
}

// writeOn lets writers send commands until cease is called.
func writeOn(w *world, n int) (cease func()) {
	firing, end := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for k := 0; firing.Err() == nil; k++ {
				_, _ = w.client.post(firing, command{submitter: fmt.Sprintf("w-%d", i), players: int64(k)})
			}
		})
	}
	cease = sync.OnceFunc(func() {
		end()
		all.Wait()
	})
	w.t.Cleanup(cease)
	return cease
}

// mostForDeadHooks is the most memory that the server may need for 20 endpoints that accept nothing: for each a batch of
// 1 MiB, and the record that waits.
const mostForDeadHooks = 48 << 20

// TestDeadEndpoints: ten endpoints refuse connections and ten never answer. Commands go on, the server needs little
// more memory than without them, and its log has a warning for each endpoint, not for each attempt.
func TestDeadEndpoints(t *testing.T) {
	lost := &tally{t: t, what: "commands that were not accepted"}
	commands := rounds(1000, 10_000)
	without, _ := grownBy(t, commands, lost)
	with, said := grownBy(t, commands, lost, "--webhooks-file", hooktest.File(t, deadRows(t)...))
	if with-without > mostForDeadHooks {
		t.Errorf("the server grew by %d MiB, without endpoints by %d", with>>20, without>>20)
	}
	warnings := strings.Count(said, "cannot deliver to a webhook")
	if warnings < 10 || warnings > 60 { // three for each within three minutes
		t.Errorf("%d warnings of 20 endpoints", warnings)
	}
	lost.report()
	t.Logf("%d commands: the server grew by %d MiB at its peak, without endpoints by %d; %d warnings", commands, with>>20,
		without>>20, warnings)
}

// deadRows are rows of ten endpoints that refuse connections, and of ten that never answer.
func deadRows(t *testing.T) (rows []string) {
	t.Helper()
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	dead := hooktest.New(t)
	dead.Down()
	for i := range 10 {
		row := dead.Row(fmt.Sprintf("/dead-%d", i), "")
		rows = append(rows, row, strings.NewReplacer("dead-", "silent-", strings.TrimPrefix(dead.URL(""), "http://"),
			silent.Addr().String()).Replace(row))
	}
	return rows
}

// grownBy sends commands to a server, and returns how much memory it grew by at its peak, and its log.
func grownBy(t *testing.T, commands int, lost *tally, args ...string) (bytes int64, said string) {
	t.Helper()
	w := newWorld(t, 3, args...)
	before := w.server.peakBytes(t)
	var sent atomic.Int64
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for sent.Add(1) <= int64(commands) {
				a, err := w.client.post(t.Context(), command{submitter: fmt.Sprintf("w-%d", i), players: sent.Load()})
				lost.trial(err == nil && a.accepted(), "%d %s %v", a.status, a.body, err)
			}
		})
	}
	all.Wait()
	bytes = w.server.peakBytes(t) - before
	w.server.stop(t)
	return bytes, w.server.Err.String()
}
