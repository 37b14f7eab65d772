// Package cli runs the built command line against the built server, with drivers of the public SDK: each verb, each
// exit code, on a terminal and in a pipe, and plans while servers and drivers come and go.
package cli
