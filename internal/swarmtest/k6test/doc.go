// Package k6test is a fake of k6 1.x for tests: its REST API (Run) and its command line (Main), with no line of k6's
// own. k6 is under the AGPL, so nothing here needs it, and no script of ours fetches it.
//
// The directory recorded holds exchanges with a real k6 1.8.1, as plain text. The fake answers from them where an
// answer does not depend on what was asked before (inspect, version, metrics), and tests/generators plays all of them
// to it and compares. `make test-k6 K6=PATH` plays them to a real k6; with UPDATE=1 it writes them again.
package k6test
