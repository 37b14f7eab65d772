// Package failpoint lets tests end the process at a chosen point in the processing of a command, like kill -9. Only a
// build with the tag failpoints includes it; in any other build, Hit is empty and costs nothing.
package failpoint

// Env names the variable that selects a failpoint and the hit that ends the process: "after_append:3" is the third.
// Without a number it is the first.
const Env = "SWARMCALL_FAILPOINT"

// The failpoints, in the order in which a command reaches them.
const (
	BeforeAppend = "before_append" // the records are ready, nothing is stored
	BeforeSync   = "before_sync"   // the records are stored, and not yet on disk
	AfterAppend  = "after_append"  // the records are durable, nothing was acknowledged yet
	// another driver has been sent its waiting frames: the answer to its registration, or a command
	MidFanout    = "mid_fanout"
	BeforeClosed = "before_closed" // every verdict is known, the outcome is not stored
)

// MidBackup is hit by `swarmcall log backup` after each file that it has copied, and once more before the copy is
// renamed.
const MidBackup = "mid_backup"

// MidMigrate is hit by `swarmcall log migrate` after each batch that the stream has stored.
const MidMigrate = "mid_migrate"
