package webhooks

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// settle lets a change of the file be seen.
func settle() {
	swarmtest.Advance(2*pollEvery + time.Millisecond)
	synctest.Wait()
}

func TestAChangedFileIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ", events: [command.late]"))
		w.log.add(swarmtest.Stop("ci"))
		settle()
		w.delivered("")
		w.write(hookRow("ops", ""), hookRow("new", ""))
		settle()
		w.log.add(swarmtest.Stop("ci"))
		synctest.Wait()
		w.delivered("3 3") // each once; what the old row left out stays out
		w.write()
		settle()
		w.log.add(swarmtest.Stop("ci"))
		synctest.Wait()
		w.delivered("3 3")
		if all := w.Status(); len(all) != 0 {
			t.Errorf("without rows: %+v", all)
		}
	})
}

// TestAHookThatIsTheSameIsNotDisturbed: its request in flight is not cut.
func TestAHookThatIsTheSameIsNotDisturbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		w.endpoint.answers(func(posted) *http.Response { return nil })
		w.log.add(swarmtest.Stop("ci"))
		synctest.Wait()
		w.write(hookRow("new", ""), hookRow("ops", ""))
		settle()
		if n := len(w.endpoint.posts()); n != 1 {
			t.Errorf("%d requests", n)
		}
		if all := w.Status(); len(all) != 2 || all[1].Name != "ops" || all[1].Failed != 0 {
			t.Errorf("got %+v", all)
		}
		w.write(hookRow("ops", ", labels: {team: shop}"), hookRow("new", ""))
		settle()
		if n := len(w.endpoint.posts()); n != 2 {
			t.Errorf("%d requests after its row changed", n)
		}
	})
}

func TestAnInvalidFileChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		broken := func() int { return strings.Count(w.lines.String(), "cannot use the webhooks file") }
		for i, text := range []string{"webhooks: [{name: x}]\n", "", "webhooks:\n" + hookRow("a", ", x: 1")} {
			if err := os.WriteFile(w.path(), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			swarmtest.Advance(time.Minute)
			synctest.Wait()
			if got := broken(); got != i+1 {
				t.Errorf("%q: %d errors in the log", text, got)
			}
			if err := w.Reload(); err == nil || strings.Contains(err.Error(), "MfKQ9r8") {
				t.Errorf("%q: reloaded with %v", text, err)
			}
		}
		if err := os.Remove(w.path()); err != nil {
			t.Fatal(err)
		}
		settle()
		if broken() != 4 {
			t.Errorf("a file that is missing: %s", w.lines)
		}
		w.log.add(swarmtest.Stop("ci"))
		synctest.Wait()
		w.delivered("2")
	})
}

// TestAFileThatIsBeingWritten: what is there for less than an interval is never used.
func TestAFileThatIsBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""), hookRow("two", ""))
		w.write(hookRow("ops", "")) // half of it
		swarmtest.Advance(pollEvery)
		synctest.Wait()
		w.write(hookRow("ops", ""), hookRow("two", ""), hookRow("three", ""))
		settle()
		if text := w.lines.String(); strings.Count(text, "reloaded the webhooks file") != 1 || len(w.Status()) != 3 {
			t.Errorf("got %s", text)
		}
	})
}

// TestAHookThatComesBack continues where it was, if it was away for less than a day.
func TestAHookThatComesBack(t *testing.T) {
	for away, want := range map[time.Duration]string{time.Hour: "2 3", 25 * time.Hour: "3"} {
		synctest.Test(t, func(t *testing.T) {
			w := run(t, hookRow("ops", ""))
			w.write()
			settle()
			w.log.add(swarmtest.Stop("ci"))
			swarmtest.Advance(away / 2)
			w.restart()
			swarmtest.Advance(away / 2)
			w.write(hookRow("ops", ""))
			settle()
			w.log.add(swarmtest.Stop("ci"))
			synctest.Wait()
			w.delivered(want)
		})
	}
}

// TestANewAddressContinues: the name is what a hook is remembered by.
func TestANewAddressContinues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		w.endpoint.answers(func(p posted) *http.Response {
			if p.URL.Host == "hooks.example.com" {
				return says(http.StatusServiceUnavailable, "")
			}
			return says(http.StatusOK, "")
		})
		w.log.add(swarmtest.Stop("ci"), swarmtest.Stop("ci"))
		swarmtest.Advance(time.Minute)
		failed := w.status().Failed
		w.write(strings.ReplaceAll(hookRow("ops", ""), "hooks.example.com", "new.example.com"))
		settle()
		if s := w.status(); s.Position != 3 || s.Delivered != 2 || s.Failed < failed || s.LastError != "" {
			t.Errorf("got %+v", s)
		}
	})
}

func TestReloadBeforeAndAfterRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hookRow("ops", ""))
		w.write(hookRow("ops", ""), hookRow("new", ""))
		if err := w.Reload(); err != nil {
			t.Fatal(err)
		}
		w.run()
		w.log.add(swarmtest.Stop("ci"))
		synctest.Wait()
		w.delivered("2 2")
		w.end()
		w.write(hookRow("late", ""))
		if err := w.Reload(); err != nil {
			t.Fatal(err)
		}
		w.log.add(swarmtest.Stop("ci"))
		synctest.Wait()
		w.delivered("2 2")
	})
}

func TestWarningsAboutTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hookRow("ops", ""), strings.ReplaceAll(hookRow("plain", ""), "https", "http"),
			strings.ReplaceAll(strings.ReplaceAll(hookRow("here", ""), "https", "http"), "hooks.example.com", "[::1]:9"))
		if got := strings.Count(w.lines.String(), "level=WARN"); got != 1 ||
			!strings.Contains(w.lines.String(), "webhook=plain") {
			t.Errorf("%d warnings: %s", got, w.lines)
		}
		if err := os.Chmod(w.path(), 0o604); err != nil {
			t.Fatal(err)
		}
		if err := w.Reload(); err != nil || !strings.Contains(w.lines.String(), "other users may read") {
			t.Errorf("%v: %s", err, w.lines)
		}
	})
}
