package cli

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkStartup measures one HTTP call by swarmcall and by a bare Go program, one after the other so that all meet
// the same noise, and reports the medians and their ratios: to the bare program as plain `go build` makes it, and to
// the same built static, as swarmcall is. Use -benchtime 1000x.
func BenchmarkStartup(b *testing.B) {
	s, err := startServer(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.end(syscall.SIGKILL) }()
	dir := b.TempDir()
	build := func(name, pkg string, env ...string) {
		c := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, name), pkg)
		c.Env = append(c.Environ(), env...)
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	build("bare", "./bare")
	build("bare-static", "./bare", "CGO_ENABLED=0")
	build("swarmcall", "../../cmd/swarmcall", "CGO_ENABLED=0") // as it is released
	calls := [][]string{
		{"bare", s.url() + "/drivers?limit=1000"},
		{"bare-static", s.url() + "/drivers?limit=1000"},
		{"swarmcall", "health", "--url", s.url()},
		{"swarmcall", "drivers", "list", "--json", "--url", s.url()},
	}
	took := make([][]time.Duration, len(calls))
	for b.Loop() {
		for i, call := range calls {
			began := time.Now()
			if err := exec.Command(filepath.Join(dir, call[0]), call[1:]...).Run(); err != nil {
				b.Fatal(call, err)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	median := func(i int) float64 {
		slices.Sort(took[i])
		return float64(took[i][len(took[i])/2].Microseconds()) / 1000
	}
	bare, static := median(0), median(1)
	b.ReportMetric(bare, "bare-ms")
	b.ReportMetric(static, "static-ms")
	for i, name := range []string{"health", "drivers"} {
		ms := median(i + 2)
		b.ReportMetric(ms, name+"-ms")
		b.ReportMetric(ms/bare, name+"-ratio")
		b.ReportMetric(ms/static, name+"-ratio-static")
	}
}

// TestInitIsSmall bounds what our packages allocate before main begins: time is too noisy for a test, and a regular
// expression at package level, compiled by every call, takes half as long as the call.
func TestInitIsSmall(t *testing.T) {
	c := exec.Command(filepath.Join(binaries, "swarmcall"), "version")
	c.Env = append(c.Environ(), "GODEBUG=inittrace=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	trace := regexp.MustCompile(`(?m)^init (main|github\.com/swarmcall/\S+) @.* clock, (\d+) bytes`)
	traces := trace.FindAllStringSubmatch(string(out), -1)
	if !strings.Contains(string(out), "init runtime ") {
		t.Fatalf("no trace of what is done at the start:\n%s", out)
	}
	for _, m := range traces {
		if n, err := strconv.Atoi(m[2]); err != nil || n > 16<<10 {
			t.Errorf("package %s allocates %s bytes before main begins", m[1], m[2])
		}
	}
}

// TestBriefCommandsEndBySignal: they do not handle signals, so a signal ends them as it ends any program.
func TestBriefCommandsEndBySignal(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	c := exec.Command(filepath.Join(binaries, "swarmcall"), "drivers", "list", "--url",
		"http://"+silent.Addr().String())
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := silent.Accept() // and never answers
	if err == nil {
		defer func() { _ = conn.Close() }()
		err = c.Process.Signal(os.Interrupt)
	}
	if err != nil {
		t.Error(err)
	}
	_ = c.Wait()
	if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended by %v", c.ProcessState)
	}
}
