package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

var entryColumns = []console.Column{
	{Name: "ENTRY"}, {Name: "COMMAND"}, {Name: "STATUS"}, {Name: "TARGETED"}, {Name: "ACKED"}, {Name: "REJECTED"},
	{Name: "MISSING"},
	{Name: "SUPERSEDED", Wide: true}, {Name: "MS"}, {Name: "SUBMITTER"}, {Name: "SUBMITTED"},
	{Name: "LATE", Wide: true}, {Name: "TARGET", Wide: true}, {Name: "NOTE", Wide: true},
	{Name: "LEFT OUT"}, {Name: "TARGET", Narrow: true}, // new columns come last: scripts count the columns before them
}

func entryCells(e remote.Entry) []string {
	command, k, took := remote.CommandOf(e), e.Counts, "-"
	if e.DurationMs != nil {
		took = fmt.Sprintf("%.1f", *e.DurationMs)
	}
	return []string{
		strconv.FormatInt(e.Seq, 10), command.String(), string(e.Status), strconv.Itoa(k.Targeted),
		strconv.Itoa(k.Acked), strconv.Itoa(k.Rejected),
		strconv.Itoa(k.Missing), strconv.Itoa(k.Superseded), took, e.Submitter, e.SubmittedAt.Format(time.RFC3339),
		strconv.Itoa(k.Late),
		remote.TargetText(e.Target), command.Note,
		strconv.Itoa(remote.CountLeftOut(e)), remote.TargetBrief(e.Target),
	}
}

// entryRows returns one entry as a row of a list.
func entryRows(a remote.Answer[remote.Entry]) console.Rows {
	return console.Rows{
		Columns: entryColumns, Cells: [][]string{entryCells(a.Value)}, Names: []string{
			strconv.FormatInt(a.Value.Seq, 10),
		},
		Items: []json.RawMessage{a.Raw}, Doc: a.Raw,
	}
}

func entryPage(p remote.Page[remote.Entry]) console.Rows {
	r := console.Rows{Columns: entryColumns, Items: p.Raw}
	for _, e := range p.Items {
		r.Cells, r.Names = append(r.Cells, entryCells(e)), append(r.Names, strconv.FormatInt(e.Seq, 10))
	}
	return r
}

var driverColumns = []console.Column{
	{Name: "DRIVER"}, {Name: "STATE"}, {Name: "PLAYERS"}, {Name: "DELAY"}, {Name: "APPLIED"}, {Name: "ACK MS"},
	{Name: "HEARTBEAT"}, {Name: "LABELS"},
	{Name: "VERSION", Wide: true}, {Name: "ADDRESS", Wide: true}, {Name: "CONNECTED", Wide: true},
	{Name: "METRICS", Wide: true},
	{Name: "WEIGHT", Wide: true}, {Name: "MAX PLAYERS", Wide: true}, {Name: "CONFLICT", Wide: true},
}

func driverCells(d remote.Driver) []string {
	ack := "-"
	if d.LastAck != nil {
		ack = fmt.Sprintf("%.1f", d.LastAck.LatencyMs)
	}
	weight, most := "-", "-" // its share of a total; an older server does not report it
	if d.Weight != nil {
		weight = strconv.FormatFloat(*d.Weight, 'g', -1, 64)
	}
	if d.MaxPlayers != nil {
		most = strconv.FormatInt(*d.MaxPlayers, 10)
	}
	var metrics []string
	for _, name := range slices.Sorted(maps.Keys(d.Metrics)) {
		metrics = append(metrics, name+"="+strconv.FormatFloat(d.Metrics[name], 'g', 6, 64))
	}
	return []string{
		d.DriverId, string(d.State), strconv.FormatInt(d.Reported.Players, 10),
		strconv.FormatInt(d.Reported.SpawnDelayMs, 10) + "ms",
		strconv.FormatInt(d.AppliedSeq, 10), ack, (time.Duration(d.HeartbeatAgeMs) * time.Millisecond).String(),
		remote.LabelsText(d.Labels),
		d.Version, d.RemoteAddr, d.ConnectedAt.Format(time.RFC3339), strings.Join(metrics, ","), weight, most,
		conflictText(d.Conflict),
	}
}

// conflictText names the processes that use the same driver id.
func conflictText(c *api.DriverConflict) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s: %d takeovers", strings.Join(c.RemoteAddrs, " and "), c.Takeovers)
}

func driverRows(p remote.Page[remote.Driver]) console.Rows {
	r := console.Rows{Columns: driverColumns, Items: p.Raw}
	for _, d := range p.Items {
		r.Cells, r.Names = append(r.Cells, driverCells(d)), append(r.Names, d.DriverId)
	}
	return r
}
