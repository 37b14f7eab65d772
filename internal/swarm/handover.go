package swarm

// Handover is what came of handing a command over to the drivers.
type Handover struct {
	Undelivered []string // targets without a session that could take it, sorted
	Superseded  []Unsent // whose place it took
}

// Unsent is a command that a driver is not sent, because a newer one took its place.
type Unsent struct {
	DriverID string
	Seq      uint64
}
