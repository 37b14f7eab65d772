package hostile

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

const (
	slowClients = 1000
	atMost      = 2 // times the median of commands alone
)

// TestSlowClients runs slowhttptest: a thousand connections that send or read as slowly as they can. No command is lost
// meanwhile, and half of them take at most twice as long as without.
func TestSlowClients(t *testing.T) {
	tool, err := exec.LookPath("slowhttptest")
	if err != nil {
		testenv.SkipOrFail(t, "slowhttptest is needed: apt-get install slowhttptest")
	}
	s := startProcess(t)
	w := s.join()
	cookie := s.signIn()
	for _, mode := range []struct {
		name string
		args []string
	}{
		// of strangers: nothing is known of a request before its headers are complete
		{"slow headers", []string{"-H", "-u", s.url + "/commands"}},
		// of somebody who is signed in: a stranger is refused before the body is read
		{"slow body", []string{"-B", "-j", cookie, "-f", "application/json", "-s", "4096", "-u", s.url + "/commands"}},
		// ten answers of 48 KiB, more than the kernel takes for a client that hardly reads
		{"slow read", []string{"-X", "-j", cookie, "-k", "10", "-w", "512", "-y", "1024", "-z", "16", "-n", "1", "-u",
			s.url + "/openapi.yaml"}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			for seconds := soakOr(60, 8); s.attacked(t, w, tool, seconds, mode.args) < slowClients*9/10; seconds *= 2 {
				// A busy machine opens fewer in that time, and then the run proves too little.
				if seconds > 300 || t.Failed() {
					t.Fatalf("too few connections in %d seconds", seconds)
				}
			}
		})
	}
}

// attacked compares commands beside an attack with commands alone, and returns how many connections the attack opened.
func (s *process) attacked(t *testing.T, w *witness, tool string, seconds int, args []string) (opened int) {
	testenv.FasterThan(t, atMost, func() (base, took time.Duration) {
		alone := w.commands(t, commandsAlone)
		attack := s.attack(t, tool, seconds, args)
		var beside times
		for !attack.Over() {
			beside = append(beside, w.command(t))
		}
		alone = append(alone, w.commands(t, commandsAlone)...)
		var most int
		opened, most = attack.count(t)
		t.Logf("%d connections, %d at a time; the median of %d commands beside them is %v, of %d before and after %v",
			opened, most, len(beside), beside.median(), len(alone), alone.median())
		return alone.median(), beside.median()
	})
	return opened
}

const commandsAlone = 100 // before, and as many after

// soakOr returns long in a soak.
func soakOr(long, short int) int {
	if soak {
		return long
	}
	return short
}

// signIn returns the cookie of somebody who is signed in to the dashboard.
func (s *process) signIn() string {
	s.t.Helper()
	resp, body := s.ask( //nolint:bodyclose // ask has closed it
		http.MethodPost, s.url+"/ui/login", url.Values{"token": {s.ops}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded")
	for _, c := range resp.Cookies() {
		return c.Name + "=" + c.Value
	}
	s.t.Fatalf("%s without a cookie: %.500s", resp.Status, body)
	return ""
}

// attack is a run of slowhttptest.
type attack struct {
	*proctest.Process
	report string
}

// attack starts slowhttptest with low priority: in production, such clients run on other machines. It ends after so
// many seconds, or once the server has closed all connections.
func (s *process) attack(t *testing.T, tool string, seconds int, args []string) *attack {
	t.Helper()
	a := &attack{report: filepath.Join(t.TempDir(), "report")}
	n := strconv.Itoa(slowClients)
	args = append([]string{"-n", "10", tool, "-c", n, "-r", n, "-i", "1", "-x", "24", "-l", strconv.Itoa(seconds), "-g",
		"-o", a.report, "-v", "1"}, args...)
	var err error
	if a.Process, err = proctest.Start(exec.Command("nice", args...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Kill)
	return a
}

// count returns how many connections were opened, and how many were open at a time.
func (a *attack) count(t *testing.T) (opened, most int) {
	t.Helper()
	file, err := os.Open(a.report + ".csv")
	if err != nil {
		t.Fatalf("%v; slowhttptest ended with %d: %q %q", err, a.Code(), a.Out, a.Err)
	}
	defer func() { _ = file.Close() }()
	rows := csv.NewReader(file)
	rows.FieldsPerRecord = -1
	lines, err := rows.ReadAll()
	if err != nil || len(lines) < 2 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for _, line := range lines[1:] { // seconds, closed, pending, connected
		closed, err := strconv.Atoi(strings.TrimSpace(line[1]))
		connected, err2 := strconv.Atoi(strings.TrimSpace(line[3]))
		if err != nil || err2 != nil {
			t.Fatalf("%v, %v in %q", err, err2, line)
		}
		opened, most = max(opened, closed+connected), max(most, connected)
	}
	return opened, most
}
