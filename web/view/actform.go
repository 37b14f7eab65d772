package view

import "strings"

// ActForm is what one can do to the swarm, or to one driver.
type ActForm struct {
	Driver  string // only to this driver; "" for a choice of target
	Players string // what the fields hold
	Delay   string
	Labels  string
	Note    string
	Errors  []string // what was wrong with what was sent
	Trouble string   // why commands are refused just now
	Active  int      // drivers that would be told
}

// NewActForm makes the form; given is what was sent before, for a form that comes back with errors.
func NewActForm(w World, driver string, given map[string]string) ActForm {
	t := w.tally()
	f := ActForm{
		Driver: driver, Players: given["players"], Delay: given["spawn_delay_ms"], Labels: given["labels"], Note: given["note"],
		Active: t.drivers - t.by[Late] - t.by[Lost], Trouble: w.Trouble,
	}
	return f
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
