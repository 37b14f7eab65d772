package swarm

// Handover is the result of sending a command to the drivers.
type Handover struct {
	Undelivered []string // targets without a session that could receive it, sorted
	Superseded  []Unsent // the commands that it replaced
}

// Unsent is a command that is not sent to a driver, because a newer one replaced it.
type Unsent struct {
	DriverID string
	Seq      uint64
}
