package main

import "github.com/swarmcall/swarmcall/cmd/swarmcall/demo"

// intro is what swarmcall says when it is told nothing: how to see it work, and how to go on from there.
func intro() string {
	return `Swarmcall is live control for load-test swarms: one call changes the load on every driver,
and the answer says which driver acked, which refused, and which is missing and why.

See it work on this machine:

  in the source tree  make run
  with the binaries   swarmcall demo

Then command it, by anything that speaks HTTP:

` + demo.Hints("http://127.0.0.1:8080") + `
More: swarmcall --help, swarmcall COMMAND --help
`
}
