// Package k6test is a fake of k6 1.x for tests: its REST API (Run) and its command line (Main), without any of k6's own
// code. k6 is under the AGPL, so nothing here needs it, and no script of this repository downloads it.
//
// The directory recorded holds exchanges with a real k6 1.8.1, as plain text. The fake answers from them where an
// answer does not depend on earlier requests (inspect, version, metrics), and tests/generators replays all of them
// against it and compares. `make test-k6 K6=PATH` replays them against a real k6; with UPDATE=1 it writes them again.
package k6test
