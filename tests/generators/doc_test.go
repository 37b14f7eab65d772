// Package generators drives real load generators by the real server and the real command line, and asks the target what came of it.
//
// It needs k6 1.x and Locust. Where one is absent its tests are skipped, with a word about how to get it; with CI=true they fail.
package generators
