// Package size measures what a large or long-lived swarm costs: how long a Stop takes beside flooding submitters, how
// much memory commands leave behind, what readers cost commands, and whether anything grows while the server runs. The
// server is the built binary, in its own process, with Go's profiler added.
//
// Each benchmark reports a ratio within one run. `make soak` fails if a ratio is over its bound; `make bench` only
// prints the figures, because a busy machine distorts them. SWARMCALL_TEST_SERVER names another server binary to
// measure; it must have been built with the same -overlay.
package size
