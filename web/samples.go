package web

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/web/internal/view"
)

// samples are the points of the load chart, oldest first: each second of the last ten minutes, and one in five seconds
// of the hour before that. That is finer than the chart can show.
type samples struct {
	all     []view.Sample
	thinned int // so many of them have been looked at for thinning
}

const (
	sampleEvery = time.Second
	keptFor     = time.Hour
	fineFor     = 10 * time.Minute
	coarseEvery = 5 * time.Second
	// pauseAfter is how far apart two samples are at least when this process was paused between them.
	pauseAfter = 4 * time.Second
	// pauseFactor is the same, in spans between the two samples before: a large swarm is looked at less often.
	pauseFactor = 3
)

// restore takes over the samples of an earlier process. There is a gap between them and the first one of this process.
func (s *samples) restore(past []view.Sample, now time.Time) {
	for _, p := range past {
		if n := len(s.all); p.At.After(now) || n > 0 && !p.At.After(s.all[n-1].At) {
			continue // the clock was set back, or the file was written by hand
		}
		s.all = append(s.all, p)
	}
	s.forget(now)
}

// due reports whether it is time for a sample. A tick may come a little early: a sample that waits for the next one
// would leave every other out.
func (s *samples) due(now time.Time) bool {
	n := len(s.all)
	return n == 0 || s.all[n-1].At.After(now) || now.Sub(s.all[n-1].At) >= sampleEvery*9/10
}

// add takes one more. first says that this process has taken none before.
func (s *samples) add(next view.Sample, first bool) view.Sample {
	for len(s.all) > 0 && s.all[len(s.all)-1].At.After(next.At) { // the clock was set back
		s.all = s.all[:len(s.all)-1]
	}
	next.Gap = len(s.all) > 0 && (first || s.paused(next.At))
	s.all = append(s.all, next)
	s.forget(next.At)
	return next
}

func (s *samples) paused(at time.Time) bool {
	n := len(s.all)
	usual := time.Duration(0)
	if n > 1 && !s.all[n-1].Gap {
		usual = s.all[n-1].At.Sub(s.all[n-2].At)
	}
	return at.Sub(s.all[n-1].At) >= max(pauseAfter, pauseFactor*usual)
}

// forget drops what is too old, and thins what is old. Where the target changes, or after a gap, a sample is kept.
func (s *samples) forget(now time.Time) {
	old := 0
	for old < len(s.all) && now.Sub(s.all[old].At) > keptFor {
		old++
	}
	s.all = slices.Delete(s.all, 0, old)
	s.thinned = max(0, s.thinned-old)
	for s.thinned < len(s.all) && now.Sub(s.all[s.thinned].At) > fineFor {
		i := s.thinned
		if i > 0 && dispensable(s.all[i-1], s.all[i]) {
			s.all = slices.Delete(s.all, i, i+1)
			continue
		}
		s.thinned++
	}
}

// dispensable reports whether next tells little that the sample before it does not.
func dispensable(before, next view.Sample) bool {
	return next.At.Sub(before.At) < coarseEvery && !next.Gap && next.Target == before.Target
}
