package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// claims remembers who has reported, and when, that a driver has applied commands that this log does not hold: with
// authentication the names of principals, without it driver ids.
type claims map[string]time.Time

// trim forgets claims from before a time.
func (c claims) trim(before time.Time) {
	for by, at := range c {
		if at.Before(before) {
			delete(c, by)
		}
	}
}

// claimant returns who makes a claim. One credential may register any number of driver ids, so all of them count as one
// claimant.
func claimant(p swarm.Principal, driverID string) string {
	if name := ownerName(p); name != "" {
		return name
	}
	return driverID
}

// credible judges the applied_seq of a register frame. One claimant that has applied more than the log holds proves
// nothing, or a single forged frame could stop every driver: it is disconnected and must back off. A second one is
// proof: entries were lost, and the log's epoch rises. A loss that the log found at its start has raised the epoch
// already, see cmdlog.Open.
func (r *Registry) credible(p swarm.Principal, reg *wire.Register) bool {
	end, past := r.pastEnd(reg)
	if !past {
		return true
	}
	r.mu.Lock()
	r.claims.trim(time.Now().Add(-r.cfg.ForgetAfter))
	r.claims[claimant(p, reg.DriverID)] = time.Now()
	proved := len(r.claims) > 1
	if proved {
		clear(r.claims)
	}
	r.mu.Unlock()
	if !proved {
		r.logger.Error("a driver reports an applied command that is not in this log; it is disconnected, and "+
			"if another driver (with authentication: of another principal) reports the same, every driver is stopped",
			"driver_id", reg.DriverID, "principal", p.Name, "applied_seq", reg.AppliedSeq, "last_seq", end)
		return false
	}
	r.logger.Error("two drivers have applied commands that are not in this log: entries were lost",
		"driver_id", reg.DriverID, "principal", p.Name, "applied_seq", reg.AppliedSeq, "last_seq", end)
	if r.cfg.OnLogShortened != nil {
		r.cfg.OnLogShortened(reg.DriverID, reg.LogID, reg.AppliedSeq)
	}
	return true
}
