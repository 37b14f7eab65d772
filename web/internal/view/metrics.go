package view

import (
	"maps"
	"slices"
	"strconv"
)

// metrics lists at most limit metrics of a driver, sorted by name.
func metrics(m map[string]float64, limit int) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if len(out) == limit {
			return append(out, "…")
		}
		out = append(out, name+" "+strconv.FormatFloat(m[name], 'g', 5, 64))
	}
	return out
}
