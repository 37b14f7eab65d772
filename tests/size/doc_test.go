// Package size asks what a large or a long-lived swarm costs: how long a Stop takes beside those who flood, how much
// memory commands leave behind, what readers cost those who command, and whether anything grows for as long as the
// server runs. The server is the built one, a process of its own, with the profiler of Go's library added to it.
//
// What the benchmarks measure is a ratio of one run. `make soak` holds the bounds; `make bench` prints the figures and
// no more, for a machine that does other things is no measure. SWARMCALL_TEST_SERVER names a server to measure in place
// of this version's: one that was built with -overlay in the same way.
package size
