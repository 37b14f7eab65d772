// Package httpload makes HTTP load from within this process, by vegeta as a library.
//
// One attack of vegeta's runs for the whole life of the driver, and its pacer decides about each hit. Vegeta calls Pace
// from one goroutine, sleeps as long as Pace says without a way to wake it, and then always sends. So a pacer of ours
// waits within Pace, where a Stop reaches it, and never lets vegeta sleep.
//
// Players are goroutines of the SDK's Ramp in both modes. A user offers itself to the pacer, waits until its hit is
// over, and does so again: the load is closed. A player of the rate mode is one request per second of an open load,
// whatever the target answers.
package httpload
