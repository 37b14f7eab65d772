// Package swarm holds the domain types of Swarmcall, their validation and the error codes that every other package
// shares.
//
// It imports the standard library and the package command only, and holds no clock, goroutine or I/O. A noun here means
// what the contract (docs/protocol.md, api/openapi.yaml) says it means: a [Command] goes from a submitter to every
// driver that a [Target] selects, becomes an [Entry] of the log when it is [Issued], and is [Closed] with exactly one
// [Verdict] per targeted driver.
package swarm
