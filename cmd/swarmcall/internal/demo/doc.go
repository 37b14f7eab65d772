// Package demo is `swarmcall demo`: a server, a few load drivers and something to load, all on this machine, so that
// one command shows what Swarmcall does.
package demo
