package web

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/web/internal/view"
)

// samples are the points of the load chart, oldest first: one per second for the last ten minutes, and one per five
// seconds for the hour before that. That is finer than the chart can show.
type samples struct {
	all     []view.Sample
	thinned int // the number of points already checked for thinning
}

const (
	sampleEvery = time.Second
	keptFor     = time.Hour
	fineFor     = 10 * time.Minute
	coarseEvery = 5 * time.Second
	// pauseAfter is the time between two samples from which this process counts as paused.
	pauseAfter = 4 * time.Second
	// pauseFactor is the same as a multiple of the previous interval, because a large swarm is sampled less often.
	pauseFactor = 3
)

// restore loads the samples of an earlier process. There is a gap between them and the first sample of this process.
func (s *samples) restore(past []view.Sample, now time.Time) {
	for _, p := range past {
		if n := len(s.all); p.At.After(now) || n > 0 && !p.At.After(s.all[n-1].At) {
			continue // the clock was set back, or the file was edited
		}
		s.all = append(s.all, p)
	}
	s.forget(now)
}

// due reports whether it is time for a sample. It accepts a tick that is slightly early; otherwise every other tick
// would have no sample.
func (s *samples) due(now time.Time) bool {
	n := len(s.all)
	return n == 0 || s.all[n-1].At.After(now) || now.Sub(s.all[n-1].At) >= sampleEvery*9/10
}

// add appends a sample. first means that it is the first one of this process.
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

// forget drops samples that are too old, and thins old ones. It keeps a sample where the target changes or after a gap.
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

// dispensable reports whether next adds little to the sample before it.
func dispensable(before, next view.Sample) bool {
	return next.At.Sub(before.At) < coarseEvery && !next.Gap && next.Target == before.Target
}
