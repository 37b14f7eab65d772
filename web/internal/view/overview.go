package view

import "strings"

// Overview is the first page.
type Overview struct {
	Headline Headline
	Last     *Verdict
	Worst    []WorstRow // drivers, those that are off target first
	WorstOf  string     // "8 of 12", or ""
	Commands []CommandRow
	Chart    PlayersChart
	Form     ActForm
	Start    *FirstSteps // what to do while there are no drivers or no commands
	Progress Progress
	LogDown  bool
}

// WorstRow is a driver in brief.
type WorstRow struct {
	ID, URL   string
	State     Badge
	Heartbeat string
	Actual    string // "–" when it is unknown; Why has the last report
	Target    string
	Does      Badge
	Why       string
}

const (
	worstRows   = 8
	commandRows = 8
)

// NewOverview shows w. The visitor reaches this server at the address.
func NewOverview(w World, address string) Overview {
	t := w.tally()
	o := Overview{
		Headline: w.headline(t), LogDown: w.LogErr != nil, Chart: NewPlayersChart(w), Form: NewActForm(w, ""),
		Start: firstSteps(w, address), Progress: progress(w),
	}
	o.Worst = w.worst(worstRows)
	if n := len(w.Drivers); n > worstRows {
		o.WorstOf = Count(worstRows) + " of " + Count(n)
	}
	for _, e := range w.Recent[:min(commandRows, len(w.Recent))] {
		o.Commands = append(o.Commands, NewCommandRow(w, e))
	}
	if len(w.Recent) > 0 {
		v := NewVerdict(w, w.Recent[0])
		o.Last = &v
	}
	return o
}

// worst shows at most limit drivers, those that are off target first.
func (w World) worst(limit int) []WorstRow {
	aims := w.aims()
	order := make([]int, len(w.Drivers))
	for i := range order {
		order[i] = i
	}
	w.order(order, aims, "worst")
	var out []WorstRow
	for _, i := range order[:min(limit, len(order))] {
		d, a := w.Drivers[i], aims[i]
		row := WorstRow{
			ID: d.ID, URL: DriverURL(d.ID), State: driverBadge(d), Heartbeat: Age(d.HeartbeatAge),
			Target: "–", Does: standingBadge(a.Standing), Why: w.why(i),
		}
		row.Actual, _ = runs(d, a)
		if a.Asked {
			row.Target = Count(a.Target)
		}
		out = append(out, row)
	}
	return out
}

// FirstSteps are the exact commands that start a swarm.
type FirstSteps struct {
	Drivers  string // how to start a driver; "" when there are some
	Examples string // the same with the examples of the repository
	Commands string // how to send a command; "" when there was one
	CLI      string // the same with swarmcall
	Progress
}

// Progress says which of the first steps are done.
type Progress struct{ Driver, Command Badge }

func progress(w World) Progress {
	p := Progress{Badge{Busy, "waiting for a driver"}, Badge{Busy, "waiting for a command"}}
	if len(w.Drivers) > 0 {
		p.Driver = Badge{OK, Plural(len(w.Drivers), "driver") + " connected"}
	}
	if len(w.Recent) > 0 {
		p.Command = Badge{OK, "sent"}
	}
	return p
}

func firstSteps(w World, address string) *FirstSteps {
	var s FirstSteps
	if len(w.Drivers) == 0 {
		s.Drivers = "swarmcall drive http " + flag("url", address) + " " + flag("target", "http://localhost:8000/")
		s.Examples = examples(address)
	}
	if len(w.Recent) == 0 && w.LogErr == nil {
		s.Commands, s.CLI = firstCommand(address)
	}
	if s == (FirstSteps{}) {
		return nil
	}
	s.Progress = progress(w)
	return &s
}

// examples start one driver each, in a checkout of the repository.
func examples(address string) string {
	var lines []string
	for _, e := range [][2]string{{"go-1", "go run ./examples/go"}, {"python-1", "python3 examples/python/driver.py"},
		{"node-1", "node examples/node/driver.mjs"}} {
		lines = append(lines, "SWARMCALL_URL="+shellWord(address)+" DRIVER_ID="+e[0]+" "+e[1])
	}
	return strings.Join(lines, "\n")
}

// firstCommand is an example of a command, with curl and with swarmcall.
func firstCommand(address string) (byCurl, byCLI string) {
	return curl(address, `{"command": {"type": "set_players", "players": 10}}`),
		"swarmcall players set 10 " + flag("url", address)
}
