package view

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// World is what a page is made from: the roster and the newest commands at one moment.
type World struct {
	Now     time.Time
	Drivers []swarm.Driver // by id
	Recent  []swarm.Entry  // newest first, at most RecentEntries
	LogErr  error          // why Recent could not be read
}

// RecentEntries is how many commands a World holds.
const RecentEntries = 50
