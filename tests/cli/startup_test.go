package cli

import (
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// BenchmarkStartup measures one HTTP call by swarmcall and by a bare Go program, one after the other so that both meet the same
// noise, and reports the medians and their ratio. Use -benchtime 200x.
func BenchmarkStartup(b *testing.B) {
	s, err := startServer(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.end(syscall.SIGKILL) }()
	dir := b.TempDir()
	for name, flags := range map[string][]string{"bare": nil, "bare-static": {"CGO_ENABLED=0"}} {
		c := exec.Command("go", "build", "-o", filepath.Join(dir, name), "./bare")
		c.Env = append(c.Environ(), flags...)
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	static := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "swarmcall"), "../../cmd/swarmcall") // as it is released
	static.Env = append(static.Environ(), "CGO_ENABLED=0")
	if out, err := static.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	calls := [][]string{
		{"swarmcall", "drivers", "list", "--json", "--url", s.url()},
		{"bare", s.url() + "/drivers?limit=1000"},
		{"bare-static", s.url() + "/drivers?limit=1000"},
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
	b.ReportMetric(median(0), "swarmcall-ms")
	b.ReportMetric(median(1), "bare-ms")
	b.ReportMetric(median(2), "bare-static-ms")
	b.ReportMetric(median(0)/median(1), "ratio")
	b.ReportMetric(median(0)/median(2), "ratio-static")
}
