package nodes_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// follower reads the stream of events with plain HTTP, and goes on at another node where it was cut.
type follower struct {
	t      *testing.T
	http   *http.Client
	last   string // id of the last event
	events []string
	ids    []uint64
}

// follow reads events from a node until it has so many more, or the stream ends. It reports whether the stream was
// refused.
func (f *follower) follow(url string, more int) (refused bool) {
	ctx, cut := context.WithTimeout(f.t.Context(), patience)
	defer cut()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/commands/stream?after=0", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if f.last != "" {
		req.Header.Set("Last-Event-ID", f.last)
	}
	resp, err := f.http.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusServiceUnavailable {
		return true
	}
	if resp.StatusCode != http.StatusOK {
		f.t.Fatal(resp.Status)
	}
	f.read(bufio.NewScanner(resp.Body), more)
	return false
}

func (f *follower) read(lines *bufio.Scanner, more int) {
	lines.Buffer(nil, 1<<20)
	id, event := "", ""
	for more > 0 && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case name == "id":
			id = value
		case name == "event":
			event = value
		case lines.Text() == "" && event != "":
			n, err := strconv.ParseUint(id, 10, 64)
			if err != nil {
				f.t.Fatalf("an event %s with id %q", event, id)
			}
			if event != "ping" {
				f.ids, f.events = append(f.ids, n), append(f.events, event)
				more--
			}
			f.last, event = id, ""
		}
	}
}

// TestAStreamGoesOnAtAnotherNode cuts the stream again and again, and resumes it at the next node, while commands are
// issued. Each third time that node is paused meanwhile, so that the position is ahead of what it has read.
func TestAStreamGoesOnAtAnotherNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	g := newGroup(t)
	g.sdks(t, c.urls, "crowd", 3)
	c.joined(3)
	writing, cease := context.WithCancel(context.Background())
	var writers sync.WaitGroup
	for i := range 2 { // the third node is the one that is paused
		writers.Go(func() {
			for k := 1; writing.Err() == nil; k++ {
				_, _ = c.nodes[i].client.post(writing, command{submitter: fmt.Sprintf("w-%d", i), players: int64(k)})
			}
		})
	}
	f := &follower{t: t, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	cuts, behind, refusals := 0, 0, 0
	for round := range rounds(40, 600) {
		n := c.nodes[round%3]
		if round%6 == 2 { // it is behind when it is asked: the position comes from another node
			n.pause()
			f.follow(c.nodes[1].door.URL(), 10)
			n.resume()
			behind++
		}
		for f.follow(n.door.URL(), 7) {
			refusals++
			<-time.After(50 * time.Millisecond)
		}
		cuts++
	}
	cease()
	writers.Wait()
	lines := c.settled()
	last := lines[len(lines)-1].ID
	for len(f.ids) == 0 || f.ids[len(f.ids)-1] < last {
		f.follow(c.nodes[0].door.URL(), 1)
	}
	var want []uint64
	for _, l := range lines {
		want = append(want, l.ID)
	}
	if !slices.Equal(f.ids, want) || slices.Contains(f.events, "gap") {
		t.Errorf("the stream had %d events, the log has %d: %v, want %v", len(f.ids), len(want), f.ids, want)
	}
	t.Logf("gaps and repeats: 0 of %d positions, %d cuts, %d of them with a node that was behind, %d refusals", len(want),
		cuts, behind, refusals)
}
