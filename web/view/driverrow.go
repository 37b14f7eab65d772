package view

import (
	"strconv"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// DriverRow is one driver in a list.
type DriverRow struct {
	ID, URL   string
	State     Badge
	Heartbeat string
	Players   string
	LastAck   string // "7 in 1.2 ms", or ""
	AckURL    string
	Version   string
	Labels    []string
}

// NewDriverRow shows d.
func NewDriverRow(d swarm.Driver) DriverRow {
	row := DriverRow{
		ID: d.ID, URL: DriverURL(d.ID), State: DriverBadge(d.State), Heartbeat: Age(d.HeartbeatAge),
		Players: Count(d.Reported.Players), Version: d.Version, Labels: Labels(d.Labels),
	}
	if d.LastAck != nil {
		row.LastAck = strconv.FormatUint(d.LastAck.Seq, 10) + " in " + Latency(d.LastAck.Latency)
		row.AckURL = CommandURL(d.LastAck.Seq)
	}
	return row
}
