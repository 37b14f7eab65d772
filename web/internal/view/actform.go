package view

import (
	"strconv"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// ActForm has the forms that change the load of the swarm, or of one driver.
type ActForm struct {
	Driver  string            // the only target; "" if the form has a target field
	Labels  map[string]string // of that driver
	Trouble string            // why commands are refused at the moment
	Values  []ActValue
}

// ActValue is the form of a command with a value.
type ActValue struct {
	command.Row
	Now     string // initial value, which changes nothing; "" if no single number does that
	Most    string // above this value per driver, the page asks for confirmation; "": never
	MostAll string // the same for a total
	First   bool   // it is the most common form
}

// confirmFactor is the factor of the present target above which the page asks for confirmation: 10 instead of 1 is a
// typing error of one key.
const confirmFactor = 10

// NewActForm makes the form.
func NewActForm(w World, driver string) ActForm {
	var most int64
	same, n := true, 0
	for i, a := range w.aims() {
		if driver == "" || w.Drivers[i].ID == driver {
			same = same && a.Asked && (n == 0 || a.Target == most)
			most = max(most, a.Target)
			n++
		}
	}
	players := ActValue{
		Most:    strconv.FormatInt(max(most, confirmFactor)*confirmFactor, 10),
		MostAll: strconv.FormatInt(max(w.tally().target, confirmFactor)*confirmFactor, 10),
	}
	if same && most > 0 {
		players.Now = strconv.FormatInt(most, 10)
	}
	d, _ := w.driver(driver)
	return ActForm{Driver: driver, Labels: d.Labels, Trouble: w.trouble(), Values: actValues(players)}
}

// actValues returns the forms of the command table; players is the prepared form for players.
func actValues(players ActValue) (forms []ActValue) {
	for _, r := range command.Table() {
		if !r.HasValue() {
			continue
		}
		var v ActValue
		if r.Type == command.SetPlayers {
			v = players
		}
		v.Row, v.First = r, len(forms) == 0
		forms = append(forms, v)
	}
	return forms
}

// answerLate is how long after the deadline the outcome of a command may reach the page. After that the page assumes
// that the server is frozen.
const answerLate = 8 * time.Second

// Patience is how long a page waits for the outcome of a command, in milliseconds.
func Patience(deadline time.Duration) string {
	return strconv.FormatInt((deadline + answerLate).Milliseconds(), 10)
}

// ParseLabels reads "region=eu, zone=a".
func ParseLabels(s string) (labels map[string]string, ok bool) {
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		k, v, found := strings.Cut(part, "=")
		if !found {
			return nil, false
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	return labels, true
}
