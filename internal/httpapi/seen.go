package httpapi

import "sync"

// maxSeen bounds how many names are logged: a scanner may send any number.
const maxSeen = 100

// seen is a bounded set of names that were logged.
type seen struct {
	mu    sync.Mutex
	names map[string]struct{}
	full  bool
}

// first reports whether name is new and the set is not full. last is true once, for the first name that does not fit.
func (s *seen) first(name string) (first, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.names[name]; known || s.full {
		return false, false
	}
	if len(s.names) == maxSeen {
		s.full = true
		return false, true
	}
	if s.names == nil {
		s.names = map[string]struct{}{}
	}
	s.names[name] = struct{}{}
	return true, false
}
