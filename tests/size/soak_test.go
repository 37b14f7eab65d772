package size

import (
	"os"
	"slices"
	"testing"
	"time"
)

const (
	soakEnv    = "SWARMCALL_SOAK_FOR" // how long, such as 2m
	soakShort  = 8 * time.Second
	soakLong   = 10 * time.Minute
	sampleEach = 5 * time.Second

	// The largest slope in the second half, as a part of the median: noise, and for the heap the 140 bytes or so that
	// the index keeps of each entry. For the heap that is less than 1 KB for each driver that has connected and left.
	mostSlope     = 0.05
	mostHeapSlope = 0.08
)

// TestSoak connects and disconnects drivers with new ids, opens streams that are never read, and opens and closes
// dashboards, while a load command is sent every 50 ms. In the second half, nothing that the server uses may have a
// slope. After all clients have left, the server has as many goroutines and sockets as before.
//
// `make test` runs some seconds and checks the end only: a leak per driver, reader or viewer shows there after a few of
// them. It cannot judge a slope, because the bounded memory of the newest commands and of lost drivers takes minutes to
// fill.
func TestSoak(t *testing.T) {
	long := soakFor(t)
	s := start(t, "--forget-after", "20s", "--lease-ttl", "10s")
	goroutinesBefore, socketsBefore := s.goroutines(), s.sockets()
	u := use(s)
	judge(t, sampled(s, u, long))
	u.end()
	eventually(t, "all that goroutines were for has ended", func() bool { return s.goroutines() <= goroutinesBefore })
	eventually(t, "all that sockets were for has ended", func() bool { return s.sockets() <= socketsBefore })
}

// samples are what the server used in the second half.
type samples struct{ heap, goroutines, files []float64 }

func sampled(s *server, u *usage, long time.Duration) (all samples) {
	s.tb.Helper()
	tick := time.NewTicker(sampleEach)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < long; {
		<-tick.C
		heap, goroutines, files := s.heap()/1e6, s.goroutines(), s.files()
		s.tb.Logf("%v: %.1f MB of heap, %.0f goroutines, %.0f files; %s",
			time.Since(began).Round(time.Second), heap, goroutines, files, u)
		if time.Since(began) > long/2 {
			all.heap, all.goroutines = append(all.heap, heap), append(all.goroutines, goroutines)
			all.files = append(all.files, files)
		}
	}
	return all
}

// judge uses the lowest heap of each third: open answers need memory for a moment, and the memory of the newest records
// grows to its bound and is cut to three quarters of it, repeatedly.
func judge(t *testing.T, all samples) {
	t.Helper()
	var low []float64
	for third := range slices.Chunk(all.heap, max(1, (len(all.heap)+2)/3)) {
		low = append(low, slices.Min(third))
	}
	t.Logf("lowest heap of each third of the second half: %.1f MB", low)
	for _, of := range []struct {
		what    string
		figures []float64
		most    float64
	}{{"heap", low, mostHeapSlope}, {"goroutines", all.goroutines, mostSlope}, {"files", all.files, mostSlope}} {
		if len(of.figures) < 2 {
			continue
		}
		grown := slope(of.figures)
		t.Logf("%s in the second half: slope %+.1f %% of the median", of.what, 100*grown)
		held(t, "slope of "+of.what, grown, of.most)
	}
}

// soakFor returns how long the soak takes.
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

// eventually polls until the condition holds.
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
