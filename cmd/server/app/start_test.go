package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

// quick is how many times as long as a comparable operation anything may take that does not wait. The shortest of the
// server's own timeouts is many times longer.
const quick = 5

// TestSecondServer: a server that cannot have the port or the data directory reports so at once, with a hint, and the
// first server continues.
func TestSecondServer(t *testing.T) {
	first := local(t)
	s := launch(t, first)
	addr := strings.TrimPrefix(s.url, "http://")
	samePort, sameDir := local(t), local(t)
	samePort.Listen, sameDir.DataDir = addr, first.DataDir
	for name, c := range map[string]struct {
		cfg  Config
		want []string
	}{
		"same port":           {samePort, []string{addr, "--listen"}},
		"same data directory": {sameDir, []string{first.DataDir, "--data-dir"}},
	} {
		var err error
		testenv.FasterThan(t, quick, func() (base, took time.Duration) { // the second server does not retry
			began := time.Now()
			if log, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: first.DataDir, Node: "local"}); err == nil {
				t.Errorf("%s: the log of the first server can be opened: %v", name, log.Close(t.Context()))
			}
			base = time.Since(began) // one attempt to open a log that is in use
			began = time.Now()
			err = Run(t.Context(), c.cfg, func(string) { t.Errorf("%s: it serves", name) })
			took = time.Since(began)
			t.Logf("%s: refused after %v, one try takes %v", name, took, base)
			return base, took
		})
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q is missing in: %v", name, part, err)
			}
		}
	}
	if got := fetch(t, "GET", s.url+"/readyz", "", nil); got != 200 {
		t.Errorf("the first server answers %d", got)
	}
	if err := s.end(); err != nil {
		t.Errorf("the first server ended with %v", err)
	}
	sameDir.Listen = addr
	launch(t, sameDir) // both are available again
}

func TestDataDirThatCannotBe(t *testing.T) {
	cfg := local(t)
	file := filepath.Join(cfg.DataDir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.DataDir = filepath.Join(file, "data")
	if err := Run(t.Context(), cfg, nil); err == nil || !strings.Contains(err.Error(), cfg.DataDir) ||
		!strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("got %v", err)
	}
}

// leave writes a log with open commands, as a killed process leaves it.
func leave(t *testing.T, dir string, age time.Duration, commands ...swarm.Command) (seqs []uint64) {
	t.Helper()
	log, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: dir, Node: "local"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		seq, err := log.Append(t.Context(), log.Last(), []swarm.Record{&swarm.Issued{
			Node: "local", Submitter: "ci", Command: c, Targets: []string{"d-1", "d-2"}, Deadline: time.Minute,
			SubmittedAt: time.Now().Add(-age).UTC(),
		}})
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, seq)
	}
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return seqs
}

// TestCrashLeavesNoEntryOpen: once the server answers requests, entries that a crash left open have an outcome and keep
// it.
func TestCrashLeavesNoEntryOpen(t *testing.T) {
	cfg := local(t)
	seqs := leave(t, cfg.DataDir, 0, swarm.Command{Type: command.Stop}, swarm.Command{
		Type: command.SetSpawnDelay, Value: 5,
	})
	for range 2 { // the second start finds nothing to do
		s := launch(t, cfg)
		for _, seq := range seqs {
			var e entry
			if got := fetch(t, "GET", s.url+"/commands/"+strconv.FormatUint(seq, 10), "", &e); got != 200 ||
				e.Status != "failed" || len(e.Missing) != 2 {
				t.Fatalf("entry %d: %d %+v", seq, got, e)
			}
			for _, m := range e.Missing {
				if m.Reason != "server_restart" {
					t.Errorf("entry %d: %s is missing for %s", seq, m.DriverID, m.Reason)
				}
			}
		}
		if err := s.end(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLoadOfYesterday: load continues after a short restart, and does not start again if no driver was connected for
// long.
func TestLoadOfYesterday(t *testing.T) {
	for name, c := range map[string]struct {
		issued      time.Duration // ago
		lastSession time.Duration // ago; 0 for never
		want        int           // players that a driver receives when it connects
	}{
		"a restart":                        {24 * time.Hour, 2 * time.Second, 70},
		"the next day":                     {25 * time.Hour, 24 * time.Hour, 0},
		"a mark was lost":                  {24 * time.Hour, 0, 0},
		"killed before the session's mark": {2 * time.Second, 0, 70},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := local(t)
			leave(t, cfg.DataDir, c.issued, swarm.Command{Type: command.SetPlayers, Value: 70})
			if c.lastSession > 0 {
				markSession(t, cfg.DataDir, time.Now().Add(-c.lastSession))
			}
			s := launch(t, cfg)
			if got := told(t, s.url); got != c.want {
				t.Errorf("a driver is told to run %d players, want %d", got, c.want)
			}
		})
	}
}

// markSession sets the time of the last session in the log's mark.
func markSession(t *testing.T, dir string, at time.Time) {
	t.Helper()
	mark, err := logfile.OpenMark(dir)
	if err == nil {
		err = errors.Join(mark.Update(func(m *logfile.Mark) { m.Session = at }), mark.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// told connects a driver and returns how many players it receives when it registers. A command that is sent after that
// shows that nothing else was to come before it.
func told(t *testing.T, url string) (players int) {
	t.Helper()
	ctx, done := context.WithCancel(t.Context())
	connected := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- driver.Run(ctx, driver.Config{URL: url, DriverID: "d-1",
			OnConnect: func(driver.Session) { connected <- struct{}{} }},
			driver.HandlerFunc(func(_ context.Context, c driver.Command) error {
				if c.Type == driver.SetSpawnDelay {
					done()
				} else {
					players = int(c.Players)
				}
				return nil
			}))
	}()
	<-connected
	const body = `{"command":{"type":"set_spawn_delay_ms","spawn_delay_ms":1}}`
	if got := fetch(t, "POST", url+"/commands", body, nil); got != 201 {
		t.Errorf("POST: %d", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return players
}
