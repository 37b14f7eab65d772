package cli

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// twoWays returns two addresses of one server, each of which can fail alone.
func twoWays(t *testing.T, s *server) (a, b *swarmtest.Proxy) {
	a, b = swarmtest.NewProxy(t), swarmtest.NewProxy(t)
	a.Forward(s.addr)
	b.Forward(s.addr)
	return a, b
}

// TestWatchMovesToAnotherServer: a stream that is cut at one server resumes at the other, without gaps or repeats.
func TestWatchMovesToAnotherServer(t *testing.T) {
	s, _ := newWorld(t, "d-1")
	a, b := twoWays(t, s)
	w := swarmcall(t, a.URL()+","+b.URL(), "commands", "watch", "--after", "0", "-o", "jsonl")
	swarmcall(t, s.url(), "players", "set", "1").code(0)
	w.prints(`"players":1`)
	for i, from := range []*swarmtest.Proxy{a, b, a} {
		from.Cut()
		players := string(rune('2' + i))
		swarmcall(t, s.url(), "players", "set", players).code(0)
		w.prints(`"players":` + players)
		w.says(from.URL() + ": the stream was interrupted")
	}
	w.signal(os.Interrupt)
	w.code(0)
	if n := len(lines(w.Out.String(), `"event":"issued"`)); n != 4 {
		t.Errorf("%d commands were told, want 4:\n%s", n, w.Out)
	}
}

// TestACommandMovesToAnotherServer: one whose answer is lost at the first server is sent to the next under its key, and
// is in the log once.
func TestACommandMovesToAnotherServer(t *testing.T) {
	s, _ := newWorld(t, "d-1")
	a, b := twoWays(t, s)
	a.Limit(func() (up, down int64) { return -1, 0 })
	p := swarmcall(t, a.URL()+", "+b.URL(), "players", "set", "3", "--retry-for", "0")
	p.code(0)
	p.says(a.URL() + ": EOF; trying another server")
	if words := strings.Join(logged(t, s.url()), ", "); words != "players 3" {
		t.Errorf("the log has %s", words)
	}
}

// TestDeadServers: a dead server is passed over, and if all are dead the error names them all.
func TestDeadServers(t *testing.T) {
	s, _ := newWorld(t, "d-1")
	other, err := startServer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	dead, both := other.url(), other.url()+","+s.url()
	p := swarmcall(t, both, "players", "set", "1")
	p.code(0)
	p.says(dead + ": dial tcp " + other.addr + ": connect: connection refused; trying another server")
	d := swarmcall(t, both, "doctor", "-o", "jsonl", "--retry-for", "0")
	d.code(8)
	for _, want := range []string{`"check":"server","ok":false,"detail":"` + dead, `"check":"server","ok":true,"detail":"` +
		s.url(), `"check":"ready","ok":true,"detail":"` + s.url(), `"check":"drivers","ok":true`} {
		d.prints(want)
	}
	swarmcall(t, both, "health").code(0)
	nodes := swarmcall(t, both, "nodes", "-o", "name")
	nodes.code(0)
	nodes.prints("local\n")
	none := swarmcall(t, dead+",http://127.0.0.1:1", "state", "--retry-for", "0")
	none.code(8)
	none.says("detail " + dead + ": dial tcp")
	none.says("http://127.0.0.1:1: dial tcp")
	bad := swarmcall(t, dead+",,"+s.url(), "state")
	bad.code(2)
	bad.says("URL 2 of 3 is empty; remove a comma")
	bad.says("comes from SWARMCALL_URL")
	drive := swarmcall(t, dead+","+dead, "drive", "http", "--target", "http://127.0.0.1:1")
	drive.code(2)
	drive.says("is listed twice")
}

// TestADriverMovesToAnotherServer: one that loses its server registers at the other.
func TestADriverMovesToAnotherServer(t *testing.T) {
	one, _ := newWorld(t)
	two, _ := newWorld(t)
	d := swarmcall(t, one.url()+","+two.url(), "drive", "http", "--target", "http://127.0.0.1:1", "--driver-id", "d-1",
		"--verbose")
	d.prints(`"connected":true`)
	first, second := one, two
	if strings.Contains(d.Out.String(), `"url":"`+two.url()) {
		first, second = two, one
	}
	swarmcall(t, first.url(), "wait", "drivers", "1").code(0)
	if err := first.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	swarmcall(t, second.url(), "wait", "drivers", "1").code(0)
	d.prints(`"url":"` + second.url())
	d.says("url=" + first.url() + " next=" + second.url())
	swarmcall(t, second.url(), "players", "set", "0").code(0)
	d.signal(syscall.SIGTERM)
	d.code(0)
}
