package authfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/yamlfile"
)

// checkRows checks the rules that concern several rows.
func checkRows(rows []*row, bad *yamlfile.Faults) {
	names, hashes := map[string]*row{}, map[[32]byte]*row{}
	for _, r := range rows {
		if first, twice := names[r.Name]; twice && r.Name != "" {
			r.fault(r.line, "the name is already on line %d; names are unique", first.line)
		} else {
			names[r.Name] = r
		}
		for _, hash := range r.Hashes {
			if first, twice := hashes[hash]; twice {
				r.fault(r.line, "hash is also that of %s on line %d; make a secret for each row", first.called(),
					first.line)
			} else {
				hashes[hash] = r
			}
		}
	}
	checkFixed(rows, bad)
}

// checkFixed refuses driver rows that leave a label open that scopes use. Such a driver could give itself a label, and
// so come under the command of somebody whose scope has it.
func checkFixed(rows []*row, bad *yamlfile.Faults) {
	used := map[string]bool{}
	for _, r := range rows {
		for key := range r.Scope {
			if !swarm.HasSecret(key) { // that row has its own error
				used[key] = true
			}
		}
	}
	keys := slices.Sorted(maps.Keys(used))
	isDriver := func(r *row) bool { return r.Role == swarm.RoleDriver }
	if len(keys) > swarm.MaxLabels && slices.ContainsFunc(rows, isDriver) {
		bad.Add("the scopes use %d label keys, and the drivers' rows must set all of them; a driver has at most %d "+
			"labels", len(keys), swarm.MaxLabels)
		return
	}
	for _, r := range rows {
		if r.broken || !isDriver(r) {
			continue
		}
		open := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { _, set := r.Labels[key]; return set })
		if len(open) > 0 {
			r.fault(r.line, "labels must set %s, because scopes use it: else its drivers could choose who commands "+
				"them", strings.Join(open, ", "))
		}
	}
}

// soon is how long before its expiry a row is worth a warning.
const soon = 7 * 24 * time.Hour

// Warnings returns what is valid, but may not be meant.
func (f *File) Warnings(now time.Time) []string {
	var all []string
	for _, t := range f.Tokens {
		left := t.Expires.Sub(now)
		switch {
		case t.Expires.IsZero() && t.Role == swarm.RoleAdmin:
			all = append(all, fmt.Sprintf("token %s: an admin without expires; add a time when it ends", t.Name))
		case t.Expires.IsZero():
		case left <= 0:
			all = append(all, fmt.Sprintf("token %s: expired at %s; remove it: swarmcall token revoke %s", t.Name,
				t.Expires.Format(time.RFC3339), t.Name))
		case left <= soon:
			all = append(all, fmt.Sprintf("token %s: expires within 7 days, at %s", t.Name,
				t.Expires.Format(time.RFC3339)))
		}
		if t.Role == swarm.RoleViewer && len(t.Scope) > 0 {
			all = append(all, fmt.Sprintf("token %s: scope has no effect for a viewer, because reading has no scope",
				t.Name))
		}
	}
	return all
}
