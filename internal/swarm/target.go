package swarm

import "slices"

// Target selects drivers. Given both ids and labels, a driver must satisfy both; the zero Target selects every driver.
type Target struct {
	DriverIDs []string          // any of these
	Labels    map[string]string // all of these, by equality
}

// MaxTargetIDs bounds how many drivers one command may name; with long ids, the body limit of 64 KiB is reached first.
const MaxTargetIDs = 20_000

// Matches reports whether t selects the driver with this id and these labels.
func (t Target) Matches(id string, labels map[string]string) bool {
	if len(t.DriverIDs) > 0 && !slices.Contains(t.DriverIDs, id) {
		return false
	}
	return subset(t.Labels, labels)
}

// Overlaps reports whether some driver could be selected by both t and u.
func (t Target) Overlaps(u Target) bool {
	if !compatible(t.Labels, u.Labels) {
		return false
	}
	if len(t.DriverIDs) == 0 || len(u.DriverIDs) == 0 {
		return true
	}
	return slices.ContainsFunc(t.DriverIDs, func(id string) bool { return slices.Contains(u.DriverIDs, id) })
}

// Validate reports what is wrong with t, as field errors below pointer.
func (t Target) Validate(pointer string) []FieldError {
	var bad []FieldError
	if len(t.DriverIDs) > MaxTargetIDs {
		bad = append(bad, FieldError{
			Pointer: pointer + "/driver_ids", Detail: "names too many drivers; at most 20000 are allowed",
		})
	}
	invalid := func(id string) bool { return !ValidDriverID(id) && !HasSecret(id) } // noSecret reports the latter
	if i := slices.IndexFunc(t.DriverIDs, invalid); i >= 0 {
		bad = append(bad, FieldError{
			Pointer: indexPointer(pointer+"/driver_ids", i),
			Detail:  "is not a driver id: 1 to 128 of [A-Za-z0-9._:-], the first a letter or digit",
		})
	}
	bad = noSecret(bad, pointer+"/driver_ids", t.DriverIDs...)
	return append(bad, ValidateLabels(t.Labels, pointer+"/labels")...)
}

// subset reports whether b contains every pair of a.
func subset(a, b map[string]string) bool {
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// compatible reports whether a driver could have the pairs of both a and b.
func compatible(a, b map[string]string) bool {
	for k, v := range a {
		if w, ok := b[k]; ok && w != v {
			return false
		}
	}
	return true
}
