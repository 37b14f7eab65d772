package plan

import (
	"slices"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// older records what is known about a server of an earlier release, and replaces the answers that it does not have.
type older struct {
	computes bool // it reported outstanding drivers, so it is recent enough
	noDryRun bool // it does not support dry runs
}

// outstanding returns the drivers of an entry that have not applied it, by the server's answer: the first of them, and
// their number.
func (o *older) outstanding(e remote.Entry) (ids []string, n int) {
	if by, ok := remote.ComputedOf(e); ok {
		o.computes = true
		return by.Outstanding, by.Lacking
	}
	if o.computes { // a newer command holds for all of them
		return nil, 0
	}
	return stillMissing(e)
}

// stillMissing returns the missing drivers of an entry that have not applied it late either.
func stillMissing(e remote.Entry) (ids []string, n int) {
	late := map[string]bool{}
	for _, l := range e.Late {
		late[l.DriverId] = l.Status == api.LateStatusApplied
	}
	for _, m := range e.Missing {
		if !late[m.DriverId] {
			ids = append(ids, m.DriverId)
		}
	}
	return ids, len(ids)
}

// notStoppedYet returns the drivers of the roster that may run load and have not applied a Stop: such a server silently
// leaves drivers that are not active out of the entry.
func notStoppedYet(stop remote.Entry, loaded map[string]bool, roster []api.DriverDrift) (ids []string) {
	ids, _ = stillMissing(stop)
	for _, d := range roster {
		if loaded[d.DriverId] && d.AppliedSeq < stop.Seq && !slices.Contains(ids, d.DriverId) {
			ids = append(ids, d.DriverId)
		}
	}
	return ids
}

// ackedNone returns the missing drivers that have not acked a retry either: such a server reports the missing drivers
// of each entry only.
func ackedNone(missing []string, acked map[string]bool) []string {
	slices.Sort(missing)
	return slices.DeleteFunc(slices.Compact(missing), func(id string) bool { return acked[id] })
}
