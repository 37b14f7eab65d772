package process_test

import (
	"strings"
	"testing"
	"time"
)

// TestASecondServerOnOneDirectory: it ends at once and says in one line which directory it is, and what to do.
func TestASecondServerOnOneDirectory(t *testing.T) {
	_, seed := seeded(t)
	w := newWorld(t, 1)
	c := tally{t: t, what: "second servers on one directory that start, or end late or unclearly", seed: seed}
	for range rounds(3, 50) {
		began := time.Now()
		second, err := w.launch.start(t)
		took := time.Since(began)
		_, said, _ := strings.Cut(strings.TrimSpace(second.Err.String()), "\n") // the first line is the address
		c.trial(err != nil && second.Code() > 0 && (took < time.Second || !soak) && !strings.Contains(said, "\n") &&
			strings.Contains(said, w.launch.dir) && strings.Contains(said, "--data-dir") &&
			strings.Contains(said, "in use by another server"),
			"code %d after %v: %s", second.Code(), took, said)
		a, err := w.client.post(t.Context(), command{submitter: "ci", players: 1})
		c.trial(err == nil && a.accepted(), "the first server then answered %d %s, %v", a.status, a.body, err)
	}
	c.report()
}
