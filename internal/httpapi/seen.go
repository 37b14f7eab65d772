package httpapi

import "sync"

// maxSeen bounds how many names are logged: a scanner sends as many as it likes.
const maxSeen = 100

// seen is a bounded set of names that were logged.
type seen struct {
	mu    sync.Mutex
	names map[string]struct{}
	full  bool
}

// first reports whether name is new and there is room for it. last is true once, for the first name that there is no
// room for.
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
