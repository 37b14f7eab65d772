package view

import (
	"strconv"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// ActForm is what one can do to the swarm, or to one driver.
type ActForm struct {
	Driver  string // only to this driver; "" for a choice of target
	Trouble string // why commands are refused just now
	Values  []ActValue
}

// ActValue is the form of a command with a value.
type ActValue struct {
	command.Row
	Now     string // what to send to change nothing, to begin with; "" where no one number does
	Most    string // value per driver past which one is asked whether it is meant; "" for no question
	MostAll string // the same of a total
	First   bool   // it is the main thing one does
}

// surely is how many times the present target a new one may be before one is asked whether it is meant: 10 for 1 is a
// slip of one key.
const surely = 10

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
		Most:    strconv.FormatInt(max(most, surely)*surely, 10),
		MostAll: strconv.FormatInt(max(w.tally().target, surely)*surely, 10),
	}
	if same && most > 0 {
		players.Now = strconv.FormatInt(most, 10)
	}
	return ActForm{Driver: driver, Trouble: w.trouble(), Values: actValues(players)}
}

// actValues are the forms of the table; that for players has what is known of them.
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

// answerLate is how long after its deadline what came of a command may reach the page, before the server is taken for
// frozen.
const answerLate = 8 * time.Second

// Patience is how long a page waits for what comes of a command, in milliseconds.
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
