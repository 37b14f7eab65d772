package audit

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

const (
	window = 10 * time.Second // how long refusals that are alike are counted together

	// Windows at a time, of all and of one address. Further refusals share one window, so that no flood soon displaces
	// the other events.
	maxWindows   = 256
	maxOfAddress = 8
)

// alike is what refusals have in common that are counted together.
type alike struct {
	address string // swarm.AddressGroup
	code    swarm.Code
	name    string
	route   string
}

func alikeOf(e Event) alike {
	return alike{swarm.AddressGroup(e.Via.RemoteAddr), e.Code, e.Name, e.Route}
}

// repeat is what was refused in a window after its first refusal.
type repeat struct {
	of   alike
	ends time.Time
	rest Event // Count 0: nothing
}

// repeats are the open windows. All last equally long, so the one that began first ends first.
type repeats struct {
	open  map[alike]*repeat
	order []*repeat
	of    map[string]int // how many are of an address
}

// first reports whether a refusal is the first of its window. Any other one is counted.
func (r *repeats) first(e Event, now time.Time) bool {
	of := r.place(alikeOf(e))
	if w := r.open[of]; w != nil {
		w.count(e)
		return false
	}
	if r.open == nil {
		r.open, r.of = map[alike]*repeat{}, map[string]int{}
	}
	w := &repeat{of: of, ends: now.Add(window)}
	r.open[of] = w
	r.order = append(r.order, w)
	r.of[of.address]++
	return true
}

// place returns what a refusal is counted by: less than all it has, if there are too many windows for that.
func (r *repeats) place(of alike) alike {
	if r.open[of] == nil && r.of[of.address] >= maxOfAddress {
		of = alike{address: of.address}
	}
	if r.open[of] == nil && len(r.open) >= maxWindows {
		of = alike{}
	}
	return of
}

// ended closes the windows that have ended, or all, and returns an event for each in which something was counted.
func (r *repeats) ended(now time.Time, all bool) (rests []Event) {
	for len(r.order) > 0 && (all || !now.Before(r.order[0].ends)) {
		w := r.order[0]
		r.order[0], r.order = nil, r.order[1:]
		delete(r.open, w.of)
		if r.of[w.of.address]--; r.of[w.of.address] == 0 {
			delete(r.of, w.of.address)
		}
		if w.rest.Count > 0 {
			rests = append(rests, w.rest)
		}
	}
	return rests
}

// count adds a refusal. Of several, only what is the same in all of them is kept.
func (w *repeat) count(e Event) {
	if w.rest.Count == 0 {
		w.rest = e
		return
	}
	rest := &w.rest
	rest.Count, rest.Until = rest.Count+e.Count, e.At
	if rest.Via.RemoteAddr != e.Via.RemoteAddr { // another port, or another address of the same /64
		rest.Via.RemoteAddr = w.of.address
	}
	same(&rest.Name, e.Name)
	same(&rest.Code, e.Code)
	same(&rest.Method, e.Method)
	same(&rest.Route, e.Route)
	same(&rest.Detail, e.Detail)
	same(&rest.DriverID, e.DriverID)
	same(&rest.Via.Credential, e.Via.Credential)
	same(&rest.Via.RequestID, e.Via.RequestID)
}

func same[S ~string](have *S, other S) {
	if *have != other {
		*have = ""
	}
}
