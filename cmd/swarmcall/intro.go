package main

// intro is what swarmcall says when it is told nothing: the first three commands.
func intro() string {
	return `Swarmcall is live control for load-test swarms: one call changes the load on every driver,
and the answer says which driver acked, which refused, and which is missing and why.

See it work on this machine: swarmcall demo (in the source tree: make run). Then, from another terminal:

  1. swarmcall drivers list       who is there
  2. swarmcall players set 50     50 players on each of them; exit 0 only if all acked
  3. swarmcall stop               end the load

Go on:

  swarmcall watch                 the swarm, live
  swarmcall run PLAN.yaml         stages of load, with a stop at the end
  swarmcall help exit-codes       what pipelines rely on
  swarmcall --help                everything else
`
}
