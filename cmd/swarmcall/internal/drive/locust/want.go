package locust

import (
	"sync"
	"time"
)

// want is the load that the commands request.
type want struct {
	mu    sync.Mutex
	users int64
	delay time.Duration
}

func (w *want) set(users int64, delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users, w.delay = users, delay
}

func (w *want) players() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.users
}

func (w *want) spawnDelay() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.delay
}

// seen is what Locust last showed.
type seen struct {
	mu      sync.Mutex
	view    view
	figures map[string]float64
}

func (s *seen) set(v view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view = v
}

func (s *seen) get() view {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view
}

func (s *seen) measured(figures map[string]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures = figures
}

func (s *seen) metrics() map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.figures
}
