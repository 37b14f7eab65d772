package main

// intro is the output of swarmcall without arguments: the first three commands.
func intro() string {
	return `Swarmcall is live control for load-test swarms: one call changes the load on every driver,
and the answer lists the drivers that acked, that refused, and that are missing, with the reason.

Try it on this machine: swarmcall demo (in the source tree: make run). Then, from another terminal:

  1. swarmcall drivers list       list the drivers
  2. swarmcall players set 50     50 players on each of them; exit 0 only if all acked
  3. swarmcall stop               stop the load

Next:

  swarmcall watch                 watch the swarm live
  swarmcall run PLAN.yaml         run stages of load, then a stop
  swarmcall help exit-codes       the exit codes for pipelines
  swarmcall --help                all other commands
`
}
