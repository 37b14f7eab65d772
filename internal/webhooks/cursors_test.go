package webhooks

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestAStopLosesAndRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		w.log.add(swarmtest.Stop("ci"), swarmtest.Stop("ci"))
		synctest.Wait()
		w.end()
		w.log.add(swarmtest.Stop("ci"))
		w.open()
		w.run()
		synctest.Wait()
		w.delivered("2 3 4")
	})
}

// TestAKillRepeatsTheLastSecondAtMost: the cursor on disk is that of a second ago, and the ids are the same.
func TestAKillRepeatsTheLastSecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		for range 10 {
			w.log.add(swarmtest.Stop("ci"))
			swarmtest.Advance(saveEvery)
		}
		synctest.Wait()
		disk, err := os.ReadFile(filepath.Join(w.dir, CursorsName))
		if err != nil {
			t.Fatal(err)
		}
		w.end()
		if err := os.WriteFile(filepath.Join(w.dir, CursorsName), disk, 0o600); err != nil {
			t.Fatal(err)
		}
		w.open()
		w.run()
		synctest.Wait()
		bodies := map[string]string{}
		for _, p := range w.endpoint.posts() {
			if was, again := bodies[p.id()]; again && was != p.body {
				t.Errorf("%s was %s, and is %s", p.id(), was, p.body)
			}
			bodies[p.id()] = p.body
		}
		repeated := len(w.endpoint.posts()) - len(bodies)
		if len(bodies) != 10 || repeated > 2 {
			t.Errorf("%d records, %d of them repeated: %s", len(bodies), repeated, w.endpoint.ids())
		}
	})
}

// TestANewHookIsRemembered: its first cursor is on disk before anything is delivered.
func TestANewHookIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hookRow("ops", "")) // and it is killed before it runs
		w.log.add(swarmtest.Stop("ci"))
		w.open()
		w.run()
		synctest.Wait()
		w.delivered("2")
	})
}

func TestManyRecordsAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		swarmtest.Advance(time.Minute)
		path := filepath.Join(w.dir, CursorsName)
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		swarmtest.Advance(time.Minute) // nothing to write
		if now, err := os.Stat(path); err != nil || !os.SameFile(before, now) {
			t.Errorf("written without a change: %v", err)
		}
		writes := 0
		for range 100 {
			w.log.add(swarmtest.Stop("ci"))
			swarmtest.Advance(saveEvery / 10)
			synctest.Wait()
			now, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if !os.SameFile(before, now) {
				writes++
				before = now
			}
		}
		if writes < 1 || writes > 11 {
			t.Errorf("%d writes in 10 s", writes)
		}
	})
}

func TestADiskThatIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		blocked := filepath.Join(w.dir, CursorsName+".tmp")
		if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			w.log.add(swarmtest.Stop("ci"))
			swarmtest.Advance(saveEvery)
		}
		synctest.Wait()
		if got := strings.Count(w.lines.String(), "cannot save how far"); got != 1 {
			t.Errorf("%d warnings:\n%s", got, w.lines)
		}
		w.delivered("2 3 4 5 6 7 8 9 10 11")
		if err := os.RemoveAll(blocked); err != nil {
			t.Fatal(err)
		}
		swarmtest.Advance(2 * saveEvery)
		synctest.Wait()
		if at, _ := loadCursors(w.dir, w.cfg.Logger).get("ops"); at.position != 11 {
			t.Errorf("the cursor on disk is %+v", at)
		}
	})
}

// TestCursorsThatCannotBeRead: the file is kept, and every hook begins at the end of the log.
func TestCursorsThatCannotBeRead(t *testing.T) {
	for name, text := range map[string]string{
		"torn": `{"format":1,"hooks":[{"na`, "empty": "", "newer": `{"format":2,"hooks":[]}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, hookRow("ops", ""))
			path := filepath.Join(w.dir, CursorsName)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			w.log.add(swarmtest.Stop("ci"))
			w.open()
			w.run()
			w.log.add(swarmtest.Stop("ci"))
			synctest.Wait()
			w.delivered("3")
			kept, err := os.ReadFile(path + ".unreadable")
			if err != nil || string(kept) != text || !strings.Contains(w.lines.String(), "level=ERROR") {
				t.Errorf("%s: kept %q, %v\n%s", name, kept, err, w.lines)
			}
		})
	}
}

// loss is the record of an accepted loss: a new epoch of the log.
func loss(epoch uint64) *swarm.Reset {
	return &swarm.Reset{Node: "test", At: swarmtest.Noon, Cause: "data loss accepted", LogID: "a1b2", Epoch: epoch}
}

// TestALogThatLostRecords: positions that are used a second time get other ids, and nothing that was written after the
// loss is left out.
func TestALogThatLostRecords(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(l *fakeLog)
		want   string // ids after the restart
		warned bool
	}{
		"nothing lost": {func(l *fakeLog) { l.add(swarmtest.Stop("ci")) }, "a1b2.1-5", false},
		"a new epoch after the cursor": {
			func(l *fakeLog) { l.add(swarmtest.Stop("ci"), loss(2), swarmtest.Stop("ci")) }, "a1b2.1-5 a1b2.2-6 a1b2.2-7", false,
		},
		"the end was lost": {
			func(l *fakeLog) { l.cut(2); l.add(loss(2), swarmtest.Stop("ci")) }, "a1b2.2-3 a1b2.2-4", true,
		},
		"the end was lost twice": {
			func(l *fakeLog) { l.cut(2); l.add(loss(2)); l.add(loss(3), swarmtest.Stop("ci"), swarmtest.Stop("ci")) },
			"a1b2.2-3 a1b2.3-4 a1b2.3-5 a1b2.3-6", true,
		},
		"an older copy": {func(l *fakeLog) { l.cut(2) }, "a1b2.1-3", true},
		"another log": {
			func(l *fakeLog) {
				l.wipe()
				l.add(&swarm.Reset{LogID: "ffff", Epoch: 1})
			},
			"ffff.1-2", true,
		},
		"an older epoch": {
			func(l *fakeLog) { l.cut(4); l.add(&swarm.Reset{LogID: "a1b2", Epoch: 0}) }, "a1b2.0-2", true,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := run(t, hookRow("ops", ""))
			w.log.add(swarmtest.Stop("ci"), swarmtest.Stop("ci"), swarmtest.Stop("ci"))
			synctest.Wait()
			w.end()
			before := len(w.endpoint.posts())
			tc.change(w.log)
			w.open()
			w.run()
			synctest.Wait()
			if name == "an older copy" || name == "another log" || name == "an older epoch" {
				w.log.add(swarmtest.Stop("ci"))
				synctest.Wait()
			}
			var ids []string
			for _, p := range w.endpoint.posts()[before:] {
				ids = append(ids, p.id())
			}
			if got := strings.Join(ids, " "); got != tc.want {
				t.Errorf("%s: posted %s, want %s", name, got, tc.want)
			}
			if got := strings.Contains(w.lines.String(), "does not continue where it was"); got != tc.warned {
				t.Errorf("%s: warned is %v:\n%s", name, got, w.lines)
			}
		})
	}
}

// TestIDsStayWhenTheEpochRises: a record that is posted again after the epoch rose has the id that it had before.
func TestIDsStayWhenTheEpochRises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		w.endpoint.answers(func(posted) *http.Response { return says(http.StatusServiceUnavailable, "") })
		w.log.add(swarmtest.Stop("ci"))
		synctest.Wait()
		w.end()
		w.log.add(loss(2))
		w.endpoint.answers(nil)
		w.open()
		w.run()
		synctest.Wait()
		posts := w.endpoint.posts()
		if len(posts) != 3 || posts[0].id() != "a1b2.1-2" || posts[1].id() != "a1b2.1-2" || posts[2].id() != "a1b2.2-3" {
			t.Errorf("posted %d: %s", len(posts), w.endpoint.ids())
		}
	})
}
