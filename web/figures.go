package web

import (
	"time"

	"github.com/swarmcall/swarmcall/web/internal/view"
)

// Sample is one point of the load chart.
type Sample = view.Sample

// Rows of one page of a list.
const (
	PageOfCommands = view.PageOfCommands
	PageOfDrivers  = view.PageOfDrivers
)

// Count writes a number as the pages do: 12,345. Callers use it for facts and checks, which must look the same.
func Count(n int64) string { return view.Count(n) }

// Bytes writes a size as the pages do: 8 GiB.
func Bytes(n int64) string { return view.Bytes(n) }

// Latency writes a short time as the pages do: 1.5 s.
func Latency(d time.Duration) string { return view.Latency(d) }
