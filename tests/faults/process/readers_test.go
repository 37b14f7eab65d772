package process_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
	core "github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

const (
	manyEntries   = 100_000
	readersBeside = 4
	readersLeave  = 0.8 // of the commands per second that a submitter has beside readers of nothing
)

// TestReadersOfAnEmptyFilter: a client that asks for entries that do not exist costs a submitter no more than one that
// asks for none, however long the log is. Both rates are of the same server, in turns.
func TestReadersOfAnEmptyFilter(t *testing.T) {
	dir := t.TempDir()
	longLog(t, dir, manyEntries)
	w := newWorldIn(t, dir, 3)
	turn := 0
	calm(t, func(broken func(format string, args ...any)) {
		var nothing, empty time.Duration
		for range rounds(4, 20) {
			turn++
			nothing += beside(w, "submitter=nobody", turn)
			empty += beside(w, "status=superseded", turn)
		}
		left := nothing.Seconds() / empty.Seconds()
		t.Logf("beside %d readers of an empty filter, %d entries: %.2f of the commands per second", readersBeside,
			manyEntries, left)
		if left < readersLeave {
			broken("beside readers of an empty filter %.2f of the commands per second are left, want %.2f", left,
				readersLeave)
		}
	})
	w.server.stop(t)
}

// beside issues commands beside readers of a page, and returns how long that took.
func beside(w *world, query string, turn int) time.Duration {
	w.t.Helper()
	reading, cease := context.WithCancel(w.t.Context())
	var readers sync.WaitGroup
	for range readersBeside {
		readers.Go(func() { readAgain(reading, w, query) })
	}
	took := issueFrom(w, 1, 50, turn)
	cease()
	readers.Wait()
	return took
}

// readAgain reads an empty page of entries repeatedly.
func readAgain(ctx context.Context, w *world, query string) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.server.Addr+"/commands?"+query, nil)
		if err != nil {
			w.t.Error(err)
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			continue // reading was cancelled
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil && (resp.StatusCode != http.StatusOK || len(b) > 100) {
			w.t.Errorf("%s %s", resp.Status, b)
			return
		}
	}
}

// longLog writes a log of so many closed entries of some submitters.
func longLog(t *testing.T, dir string, entries int) {
	t.Helper()
	l, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: dir, Node: "test", Sync: cmdlog.SyncInterval})
	if err != nil {
		t.Fatal(err)
	}
	const half = 500
	for done := 0; done < entries; done += half {
		var records []core.Record
		for i := range half {
			records = append(records, swarmtest.Issued(fmt.Sprintf("s%d", (done+i)%200), "d-1"))
		}
		for i := range uint64(half) {
			records = append(records, swarmtest.Closed(l.Last()+1+i, core.Verdict{
				Kind: core.Acked, Latency: time.Millisecond,
			}))
		}
		if _, err := l.Append(t.Context(), l.Last(), records); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}
