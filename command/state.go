package command

// State is what a driver reports about itself.
type State struct {
	Players      int64 `json:"players"`        // players that run now
	SpawnDelayMS int64 `json:"spawn_delay_ms"` // milliseconds between two spawns, per driver
	Running      bool  `json:"running"`        // whether the driver generates load
}

// After returns s after c has been applied. A level of load sets the other levels to 0.
func (s State) After(c Command) State {
	r := c.Type.row()
	if r == &unknown {
		return s
	}
	if r.Slot == LoadSlot {
		s.rest()
		s.Running = c.Load()
	}
	if r.report != nil {
		*r.report(&s) = c.Value
	}
	return s
}

// rest sets every level of load to 0.
func (s *State) rest() {
	for i := range table {
		if table[i].Level {
			*table[i].report(s) = 0
		}
	}
}

// AtRest reports whether s has no load.
func (s State) AtRest() bool { return len(s.Drift(Command{Type: Stop})) == 0 }

// Negative reports whether s has a value below 0, which is never valid.
func (s State) Negative() bool {
	for i := range table {
		if report := table[i].report; report != nil && *report(&s) < 0 {
			return true
		}
	}
	return false
}

// Drift lists the values of s that differ from those that c sets, by the names of Row.Drift.
func (s State) Drift(c Command) (reasons []string) {
	want := s.After(c)
	for i := range table {
		if r := &table[i]; r.report != nil && r.Slot == c.Slot() && *r.report(&s) != *r.report(&want) {
			reasons = append(reasons, r.Drift)
		}
	}
	return reasons
}

// Drifts reports whether reason names a value that commands of the slot set.
func (s Slot) Drifts(reason string) bool {
	for i := range table {
		if r := &table[i]; r.report != nil && r.Slot == s && r.Drift == reason {
			return true
		}
	}
	return false
}
