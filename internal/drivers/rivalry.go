package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Two processes with one driver id are detected by how often the id is taken over. A process that was restarted takes
// it over once.
const (
	rivalryWindow    = 30 * time.Second
	rivalryTakeovers = 3 // within the window
)

// rivalry is what is remembered about processes that take over a driver id from each other. It ends when a window
// passes without a takeover.
type rivalry struct {
	at        [rivalryTakeovers]time.Time // the newest takeovers, oldest first
	takeovers int
	between   [2]string // remote addresses: of the session that ended, and of the one that took over
	conflict  bool
}

// note records a takeover, and reports whether it makes a conflict.
func (v *rivalry) note(now time.Time, from, to string) (began bool) {
	if !v.goesOn(now) {
		*v = rivalry{}
	}
	copy(v.at[:], v.at[1:])
	v.at[rivalryTakeovers-1] = now
	v.takeovers++
	v.between = [2]string{from, to}
	if v.conflict || v.takeovers < rivalryTakeovers || now.Sub(v.at[0]) > rivalryWindow {
		return false
	}
	v.conflict = true
	return true
}

func (v *rivalry) goesOn(now time.Time) bool {
	return now.Sub(v.at[rivalryTakeovers-1]) <= rivalryWindow
}

// describe returns the conflict for the API; nil for none.
func (v *rivalry) describe(now time.Time) *swarm.Conflict {
	if !v.conflict || !v.goesOn(now) {
		return nil
	}
	return &swarm.Conflict{RemoteAddrs: v.between, Takeovers: v.takeovers}
}
