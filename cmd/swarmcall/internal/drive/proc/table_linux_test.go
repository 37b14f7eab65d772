package proc

import (
	"slices"
	"testing"
)

func pidsBelow(t table, pid int) (pids []int) {
	for _, e := range t.below(pid) {
		pids = append(pids, e.pid)
	}
	return pids
}

// TestProcessIDsThatWereReused: in a storm of forks the ids wrap around while the table is read. Then the table may say
// that two processes are each below the other, and that an old process is the child of a new one.
func TestProcessIDsThatWereReused(t *testing.T) {
	all := table{}
	for _, e := range []entry{
		{pid: 10, parent: 1, start: 100},
		{pid: 20, parent: 10, start: 300}, // it has the id of the parent that 10 had when it was read
		{pid: 10, parent: 20, start: 100},
		{pid: 30, parent: 20, start: 300}, // a child of the same tick
		{pid: 40, parent: 30, start: 50},  // its parent was another 30
	} {
		all[e.parent] = append(all[e.parent], e)
	}
	if got, want := pidsBelow(all, 1), []int{10, 20, 30}; !slices.Equal(got, want) {
		t.Errorf("below 1: %v, want %v", got, want)
	}
	if got, want := pidsBelow(all, 10), []int{20, 30}; !slices.Equal(got, want) {
		t.Errorf("below 10: %v, want %v", got, want)
	}
}
