package size

import (
	"os"
	"testing"
	"time"
)

const (
	soakEnv    = "SWARMCALL_SOAK_FOR" // how long, such as 2m
	soakShort  = 8 * time.Second
	soakLong   = 10 * time.Minute
	sampleEach = 5 * time.Second

	// What may remain of a slope in the second half, as a part of the median: noise, and the 140 bytes or so that the
	// index keeps of each entry.
	mostSlope = 0.05
)

// TestSoak: drivers come and leave, each with an id of its own, readers of the streams never read, viewers come and
// leave, and a load command is sent every 50 ms. In the second half nothing that the server uses has a slope. When all
// have left, it has as many goroutines and files as before they came.
//
// `make test` plays some seconds and judges the end alone, which needs no time: what each driver, reader or viewer
// leaves behind is there however few there were. A slope it cannot judge: what the server keeps of the newest commands
// and of lost drivers, within bounds, takes minutes to be full.
func TestSoak(t *testing.T) {
	long := soakFor(t)
	s := start(t, "--forget-after", "20s", "--lease-ttl", "10s")
	goroutinesBefore, filesBefore := s.goroutines(), s.files()
	var heap, goroutines, files []float64
	u := use(s)
	tick := time.NewTicker(sampleEach)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < long; {
		<-tick.C
		t.Logf("%v: %s", time.Since(began).Round(time.Second), u)
		if time.Since(began) > long/2 {
			heap, goroutines, files = append(heap, s.heap()/1e6), append(goroutines, s.goroutines()), append(files, s.files())
		}
	}
	judge(t, "MB of heap", heap)
	judge(t, "goroutines", goroutines)
	judge(t, "files", files)
	u.end()
	eventually(t, "all that goroutines were for has ended", func() bool { return s.goroutines() <= goroutinesBefore })
	eventually(t, "all that files were for has ended", func() bool { return s.files() <= filesBefore })
}

// soakFor is how long the soak takes.
func soakFor(t *testing.T) time.Duration {
	t.Helper()
	if given := os.Getenv(soakEnv); given != "" {
		long, err := time.ParseDuration(given)
		if err != nil {
			t.Fatal(err)
		}
		return long
	}
	if soak {
		return soakLong
	}
	return soakShort
}

func judge(t *testing.T, what string, figures []float64) {
	t.Helper()
	if len(figures) < 2 {
		return
	}
	grown := slope(figures)
	t.Logf("%s in the second half: first %.1f, last %.1f, slope %+.1f %% of the median", what, figures[0],
		figures[len(figures)-1], 100*grown)
	held(t, "slope of "+what, grown, mostSlope)
}

// eventually asks until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !condition(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
