package process_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestAForeignClientResumes lets the npm package eventsource follow the stream while its connection is cut again and
// again, and the server is killed: it sees the log in order, without a gap or a repeat.
func TestAForeignClientResumes(t *testing.T) {
	t.Parallel() // the client waits two seconds after each cut, as the server asks it to
	_, seed := seeded(t)
	w := newWorld(t, 2)
	events := follow(t, w.proxy.URL())
	firing, cease := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			for n := 0; firing.Err() == nil; n++ {
				// may be cut
				_, _ = w.client.post(t.Context(), command{submitter: fmt.Sprintf("w-%d", i), players: int64(n)})
			}
		})
	}
	cuts := rounds(3, 40)
	for cut := range cuts {
		seen := events.len()
		eventually(t, patience, "the client goes on", func() bool { return events.len() > seen+5 })
		if cut == cuts/2 {
			w.down()
			w.up()
		} else {
			w.proxy.Cut()
		}
	}
	seen := events.len()
	eventually(t, patience, "the client goes on", func() bool { return events.len() > seen+5 })
	cease()
	all.Wait()
	w.joined()
	var got, log []string
	within(patience, func() bool {
		got, log = events.all(), w.records()
		return slices.Equal(got, log)
	})
	c := tally{
		t: t, what: fmt.Sprintf("positions with a gap, a repeat or another event after %d cuts and a kill -9", cuts-1),
		seed: seed,
	}
	c.trial(len(got) == len(log), "%d events came, the log has %d records", len(got), len(log))
	for i := range min(len(got), len(log)) {
		c.trial(got[i] == log[i], "event %d is %q, the log has %q", i, got[i], log[i])
	}
	c.report()
}

// lines is what a process printed so far. It is safe for concurrent use.
type lines struct {
	mu    sync.Mutex
	lines []string
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

func (l *lines) len() int { return len(l.all()) }

// follow runs the client until the test ends.
func follow(t *testing.T, url string) *lines {
	t.Helper()
	dir := filepath.Join("..", "..", "foreign")
	_, absent := exec.LookPath("node")
	need(t, absent, "node")
	_, absent = os.Stat(filepath.Join(dir, "node_modules", "eventsource"))
	need(t, absent, "npm ci in tests/foreign")
	cmd := exec.CommandContext(context.Background(), "node", "resume.mjs", url)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen, ended := &lines{}, make(chan struct{})
	go func() { // ends with the process
		defer close(ended)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			seen.mu.Lock()
			seen.lines = append(seen.lines, scanner.Text())
			seen.mu.Unlock()
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-ended
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the client ended with %d", code)
		}
	})
	return seen
}

// records are the log's records, each as its position and the name of its event.
func (w *world) records() (records []string) {
	w.t.Helper()
	a, err := w.client.do(w.t.Context(), "GET", "/commands/export", nil, "")
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(a.body)) {
		var r struct {
			ID    uint64
			Event string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.t.Fatal(err)
		}
		records = append(records, fmt.Sprintf("%d %s", r.ID, r.Event))
	}
	return records
}
