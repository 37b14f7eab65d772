// Package generators controls load generators through the real server and the real command line, and checks the load at
// the target.
//
// Locust and Python are Debian's: if one is absent, its tests are skipped with a hint how to install it; with CI=true
// they fail. K6 is a fake that answers as recorded from a real one; `make test-k6 K6=PATH` uses a real one instead.
package generators
