package swarm

// Handover is the result of sending a command to the drivers.
type Handover struct {
	// Targets without a session that could receive it, sorted. Those of other nodes are not among them: of a command
	// of this node if they are connected there, of a foreign one in any case.
	Undelivered []string
	Superseded  []Unsent // the commands that it replaced
}

// Unsent is a command that is not sent to a driver, because a newer one replaced it.
type Unsent struct {
	DriverID string
	Seq      uint64
}
