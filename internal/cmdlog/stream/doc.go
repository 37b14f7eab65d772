// Package stream is the stream of a NATS cluster that holds a shared log: its settings, how it is found or created, and
// how records are stored in it. It is apart from the engines because `swarmcall log` uses it too, and must not link the
// embedded one.
package stream
