package sidecar

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// MaxDrivers bounds the drivers of a file, MaxSamples the points of the chart.
const (
	MaxDrivers = 20_000
	MaxSamples = 3600
)

// Memory is the state that a server remembers across a restart.
type Memory struct {
	At      time.Time      // the time of the data; set when it is written
	Drivers []swarm.Former // known drivers, and those that left recently
	Partial bool           // drivers were omitted, because there were more than MaxDrivers
	Load    []Sample       // points of the load chart, oldest first
}

// Sample is the load of the swarm at one moment.
type Sample struct {
	At             time.Time
	Target, Actual int64
	Gap            bool // nothing is known about the time since the previous sample
}

// bounded returns m within the limits, without the drivers that were connected longest ago and the oldest samples.
func (m Memory) bounded() Memory {
	if more := len(m.Load) - MaxSamples; more > 0 {
		m.Load = m.Load[more:]
	}
	if len(m.Drivers) <= MaxDrivers {
		return m
	}
	m.Partial = true
	newestFirst := func(a, b swarm.Former) int { return b.At.Compare(a.At) }
	m.Drivers = slices.SortedStableFunc(slices.Values(m.Drivers), newestFirst)[:MaxDrivers]
	slices.SortFunc(m.Drivers, func(a, b swarm.Former) int { return strings.Compare(a.ID, b.ID) })
	return m
}

// idle reports whether m has no driver and no load.
func (m Memory) idle() bool {
	n := len(m.Load)
	return len(m.Drivers) == 0 && (n == 0 || m.Load[n-1].Target == 0 && m.Load[n-1].Actual == 0)
}

// Since returns m without the drivers that were last connected before a time.
func (m Memory) Since(t time.Time) Memory {
	m.Drivers = slices.DeleteFunc(slices.Clone(m.Drivers), func(d swarm.Former) bool { return d.At.Before(t) })
	return m
}
