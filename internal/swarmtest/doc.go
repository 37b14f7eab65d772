// Package swarmtest is the test kit: fakes, contract suites and the acceptance scenarios, which run on fakes and on the
// real server alike. Nothing outside tests imports it.
package swarmtest
