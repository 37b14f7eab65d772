package view

import (
	"strconv"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// DriverRow is one driver in a list.
type DriverRow struct {
	ID, URL   string
	State     Badge
	Standing  Badge
	Heartbeat string
	RTT       string // "–" until it is measured
	Actual    string // "–" when it is unknown
	Last      string // "last 100": the last report of a driver whose load is unknown, or ""
	Target    string // "–" without a target
	Spark     string // path in a box of 60 by 16, or ""
	LastAck   string // "#7 1.2 ms", or ""
	AckURL    string
	Version   string
	Labels    []string
	Metrics   []string
}

const metricsInRow = 2

func roundTrip(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return Latency(d)
}

// runs is how many players a driver runs. For a stale or lost driver only its last report is known.
func runs(d swarm.Driver, a Aim) (now, last string) {
	if a.Standing.known() {
		return Count(d.Reported.Players), ""
	}
	return "–", "last " + Count(d.Reported.Players)
}

func newDriverRow(w World, d swarm.Driver, a Aim) DriverRow {
	row := DriverRow{
		ID: d.ID, URL: DriverURL(d.ID), State: driverBadge(d), Standing: standingBadge(a.Standing),
		Heartbeat: Age(d.HeartbeatAge),
		Target:    "–", Version: d.Version, Labels: Labels(d.Labels),
	}
	row.Actual, row.Last = runs(d, a)
	row.RTT = roundTrip(d.RTT)
	if a.Asked {
		row.Target = Count(a.Target)
	}
	if d.LastAck != nil {
		row.LastAck = "#" + strconv.FormatUint(d.LastAck.Seq, 10) + " " + Latency(d.LastAck.Latency)
		row.AckURL = CommandURL(d.LastAck.Seq)
	}
	row.Spark = spark(w.Sparks(d.ID))
	row.Metrics = metrics(d.Metrics, metricsInRow)
	return row
}
