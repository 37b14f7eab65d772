// Package demo implements `swarmcall demo`: a server, a few load drivers and a target, all on this machine, so that one
// command shows what Swarmcall does.
package demo
