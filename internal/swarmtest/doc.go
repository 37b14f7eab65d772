// Package swarmtest is the test kit: fakes, contract suites and the acceptance scenarios, which run on fakes and on the
// real server alike. Only tests import it.
package swarmtest
