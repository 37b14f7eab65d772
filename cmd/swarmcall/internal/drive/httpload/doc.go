// Package httpload generates HTTP load in this process, with vegeta as a library.
//
// One vegeta attack runs for the whole life of the driver, and its pacer decides about each hit. Vegeta calls Pace from
// one goroutine, then sleeps for the time that Pace returns, which nothing can interrupt, and then always sends. So our
// pacer waits within Pace, where a Stop can interrupt it, and never lets vegeta sleep.
//
// Players are goroutines of the SDK's Ramp in both modes. A user asks the pacer for a hit, waits until the hit is over,
// and repeats: a closed load. A player of the rate mode is one request per second of an open load, whatever the target
// answers.
package httpload
