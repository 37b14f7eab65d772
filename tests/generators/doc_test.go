// Package generators controls load generators through the real server and the real command line, and checks the load at
// the target.
//
// Locust and Python are Debian's: where one is absent its tests are skipped, with a word about how to get it; with
// CI=true they fail. K6 is a fake that answers as a real one was recorded to; `make test-k6 K6=PATH` takes a real one
// instead.
package generators
