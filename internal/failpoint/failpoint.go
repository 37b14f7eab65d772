// Package failpoint lets tests end the process at a chosen moment of a command's way, as kill -9 would. Only a build
// with the tag failpoints has them; in any other, Hit is empty and costs nothing.
package failpoint

// Env names the variable that chooses a failpoint and the hit at which it strikes: "after_append:3" is the third.
// Without a number it is the first.
const Env = "SWARMCALL_FAILPOINT"

// The failpoints, in the order a command meets them.
const (
	BeforeAppend = "before_append" // the records are ready, nothing is stored
	BeforeSync   = "before_sync"   // the records are stored, and not yet on disk
	AfterAppend  = "after_append"  // the records are durable, nobody knows yet
	// one more driver has been sent what waited for it, a registration's answer or a command
	MidFanout    = "mid_fanout"
	BeforeClosed = "before_closed" // every verdict is in, the outcome is not stored
)

// MidBackup is met by `swarmcall log backup` after each file that it has copied, and once more before the copy gets its
// name.
const MidBackup = "mid_backup"
