package size

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is the limit of every wait.
const patience = 2 * time.Minute

// server is a running server.
type server struct {
	tb      testing.TB
	addr    string
	pprof   string // address of the profiler
	cmd     *exec.Cmd
	ended   chan struct{} // closed when it has ended
	clients *http.Transport
}

var listening = regexp.MustCompile(`msg=listening addr=(\S+)`)

// start runs a server with an empty log.
func start(tb testing.TB, flags ...string) *server {
	tb.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	file, err := l.File()
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{tb: tb, pprof: l.Addr().String(), ended: make(chan struct{}), clients: &http.Transport{}}
	s.cmd = exec.Command(binary, append([]string{"--listen", "127.0.0.1:0", "--data-dir", tb.TempDir()}, flags...)...)
	s.cmd.Env, s.cmd.ExtraFiles = []string{"PATH=" + os.Getenv("PATH")}, []*os.File{file}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	_, _ = file.Close(), l.Close() // the child has its own
	found := make(chan string, 1)
	go s.read(stderr, found)
	tb.Cleanup(s.end)
	select {
	case s.addr = <-found:
	case <-s.ended:
		tb.Fatal("the server ended before it listened")
	case <-time.After(patience):
		tb.Fatal("the server tells no address")
	}
	if status, body := s.get("/readyz"); status != http.StatusOK {
		tb.Fatalf("readyz: %d %s", status, body)
	}
	return s
}

func (s *server) read(stderr io.Reader, found chan<- string) {
	defer close(s.ended)
	const most = 20 // the server logs a line for each client that disconnects
	said := 0
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			found <- m[1]
		} else if said < most && !strings.Contains(lines.Text(), "level=INFO") {
			said++
			s.tb.Log(lines.Text())
		}
	}
	_ = s.cmd.Wait() // SIGTERM ended it
}

func (s *server) end() {
	s.clients.CloseIdleConnections()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.tb.Error("the server goes on after SIGTERM")
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

func (s *server) get(path string) (int, string) {
	s.tb.Helper()
	return s.ask(http.MethodGet, "http://"+s.addr+path, "")
}

// command issues a command and returns its entry once it is closed.
func (s *server) command(body string) string {
	s.tb.Helper()
	status, entry := s.ask(http.MethodPost, "http://"+s.addr+"/commands", body)
	if status != http.StatusCreated {
		s.tb.Fatalf("%d %.500s", status, entry)
	}
	return entry
}

func (s *server) ask(method, url, body string) (int, string) {
	s.tb.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		s.tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.clients.RoundTrip(req)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.tb.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

var (
	heapAlloc  = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)
	goroutines = regexp.MustCompile(`^goroutine profile: total (\d+)`)
)

// heap returns how many bytes are in use after a garbage collection.
func (s *server) heap() float64 {
	s.tb.Helper()
	return s.profile("heap?gc=1&debug=1", heapAlloc)
}

func (s *server) goroutines() float64 {
	s.tb.Helper()
	return s.profile("goroutine?debug=1", goroutines)
}

func (s *server) profile(name string, figure *regexp.Regexp) float64 {
	s.tb.Helper()
	_, text := s.ask(http.MethodGet, "http://"+s.pprof+"/debug/pprof/"+name, "")
	m := figure.FindStringSubmatch(text)
	if m == nil {
		s.tb.Fatalf("no figure in %.500s", text)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		s.tb.Fatal(err)
	}
	return n
}

// files returns how many file descriptors the server has open, and sockets how many of them are sockets: the log opens
// files with its first records, and as it grows.
func (s *server) files() float64   { return s.open("") }
func (s *server) sockets() float64 { return s.open("socket:") }

func (s *server) open(kind string) (n float64) {
	s.tb.Helper()
	dir := fmt.Sprintf("/proc/%d/fd/", s.cmd.Process.Pid)
	open, err := os.ReadDir(dir)
	if err != nil {
		s.tb.Fatal(err)
	}
	for _, fd := range open {
		if what, err := os.Readlink(dir + fd.Name()); err == nil && strings.HasPrefix(what, kind) { // else it is closed
			n++
		}
	}
	return n
}
