package cmdlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// The limits that BenchmarkAppend and BenchmarkSize enforce.
const (
	appendOverSync = 2.5 // p50 of an append over p50 of a write and fsync of as many bytes
	pageOverPage   = 2.0 // a page of a log of 1,000,000 entries over one of 10,000
	mostRSS        = 150 // MB, after a start with 1,000,000 entries and reading in them
)

// BenchmarkAppend measures durable records, one at a time and many that waited together, compared with a bare write and
// fsync on the same disk.
func BenchmarkAppend(b *testing.B) {
	var bare, one time.Duration
	b.Run("bare", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "file"))
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		record := make([]byte, 400)
		bare = p50(b, 1, func() error {
			if _, err := f.Write(record); err != nil {
				return err
			}
			return f.Sync()
		})
	})
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := open(b, b.TempDir())
			defer shut(b, l)
			records := make([]swarm.Record, n)
			for i := range records {
				records[i] = swarmtest.Issued("bench", "a", "b", "c")
			}
			took := p50(b, n, func() error {
				_, err := l.Append(b.Context(), l.Last(), records)
				return err
			})
			if n == 1 {
				one = took
			}
		})
	}
	if bare > 0 && one > 0 && one.Seconds() > appendOverSync*bare.Seconds() {
		b.Errorf("an append takes %v and a bare fsync %v: more than %.1f times", one, bare, appendOverSync)
	}
}

// p50 runs f and reports the median.
func p50(b *testing.B, records int, f func() error) time.Duration {
	b.Helper()
	var all []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	median := all[len(all)/2]
	b.ReportMetric(float64(median.Microseconds()), "p50-µs")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
	return median
}

// BenchmarkSize measures the cost of size: the same reads in a log of 10,000 entries and in one of 1,000,000, with the
// memory and the start of a separate process.
func BenchmarkSize(b *testing.B) {
	var pages []time.Duration
	for _, n := range []int{10_000, 1_000_000} {
		dir := b.TempDir()
		build(b, dir, n)
		b.Run(fmt.Sprintf("page/%d", n), func(b *testing.B) {
			l := open(b, dir)
			defer shut(b, l)
			pages = append(pages, p50(b, 1, func() error {
				p, err := l.Page(b.Context(), swarm.Query{Submitter: "s3", Limit: 50})
				if err == nil && len(p.Entries) != 50 {
					err = fmt.Errorf("%d entries", len(p.Entries))
				}
				return err
			}))
		})
		start, rss := measureStart(b, dir)
		b.Run(fmt.Sprintf("start/%d", n), func(b *testing.B) { // measured once, whatever b.N is
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(start, "start-ms")
			b.ReportMetric(rss, "rss-MB")
			if rss > mostRSS {
				b.Errorf("%.0f MB RSS, at most %d are promised", rss, mostRSS)
			}
		})
	}
	if n := len(pages); n > 1 && pages[n-1].Seconds() > pageOverPage*pages[0].Seconds() {
		b.Errorf("a page takes %v of 1,000,000 entries and %v of 10,000", pages[n-1], pages[0])
	}
}

// build writes n entries with outcomes of 200 submitters.
func build(b *testing.B, dir string, n int) {
	b.Helper()
	l, err := Open(b.Context(), Config{Dir: dir, Node: "test", Sync: SyncInterval})
	if err != nil {
		b.Fatal(err)
	}
	defer shut(b, l)
	const half = 500
	for done := (int(l.Last()) - 1) / 2; done < n; done += half {
		records := make([]swarm.Record, 0, 2*half)
		for i := range half {
			records = append(records, swarmtest.Issued(fmt.Sprintf("s%d", (done+i)%200), "driver-1", "driver-2",
				"driver-3"))
		}
		for i := range uint64(half) {
			records = append(records, swarmtest.Closed(l.Last()+1+i,
				swarm.Verdict{Kind: swarm.Acked, Latency: time.Millisecond},
				swarm.Verdict{Kind: swarm.Acked, Latency: time.Millisecond}, swarm.Verdict{
					Kind: swarm.Missing, Reason: swarm.ReasonDeadline,
				}))
		}
		add(b, l, records...)
	}
}

// readerEnv names the directory for a process of this test binary that starts with a log, reads from it and reports the
// cost.
const readerEnv = "SWARMCALL_BENCH_READER"

func measureStart(b *testing.B, dir string) (startMS, rssMB float64) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), readerEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	if err == nil {
		_, err = fmt.Sscan(string(out), &startMS, &rssMB)
	}
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return startMS, rssMB
}

func readerProcess(dir string) error {
	ctx := context.Background()
	began := time.Now()
	l, err := Open(ctx, Config{Dir: dir, Node: "test"})
	if err != nil {
		return err
	}
	start := time.Since(began)
	for i := range uint64(200) {
		if _, err := l.Page(ctx, swarm.Query{Submitter: fmt.Sprintf("s%d", i), Limit: 50,
			Before: l.Last() / (1 + i%4)}); err != nil {
			return err
		}
		if _, err := l.Append(ctx, l.Last(), []swarm.Record{swarmtest.Stop("s1", "a")}); err != nil {
			return err
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	var rss int
	_, after, _ := bytes.Cut(status, []byte("VmRSS:"))
	if _, err := fmt.Sscan(string(after), &rss); err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "%d %d\n", start.Milliseconds(), rss/1000)
	return errors.Join(err, l.Close(ctx))
}
