package drivers

import (
	"context"
	"errors"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// caughtUpWithin bounds how long a driver that connects waits until this node has read the whole log.
const caughtUpWithin = 5 * time.Second

// awaitLog waits until this node has read the whole log.
func (r *Registry) awaitLog(ctx context.Context) error {
	if r.cfg.CaughtUp == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, caughtUpWithin)
	defer cancel()
	err := r.cfg.CaughtUp(ctx)
	if _, ok := errors.AsType[*swarm.Error](err); ok || err == nil {
		return err
	}
	return &swarm.Error{
		Code: swarm.CodeLogUnavailable, Cause: err,
		Detail: "this node has not read the whole log yet; connect again later, or to another node",
	}
}

// checkApplied says why a driver may not register with its applied_seq. If that is past what this node has read, it
// first waits for the end of the log. No lock is held meanwhile.
func (r *Registry) checkApplied(s *session, reg *wire.Register) refusal {
	pastEnd := refusal{wire.CloseOverloaded, wire.ErrorInvalidFrame,
		"applied_seq is past the end of this log; back off and register again"} // the meaning of close code 1013
	if _, past := r.pastEnd(reg); !past {
		return refusal{}
	}
	if err := r.awaitLog(r.ctx); err != nil {
		return refusal{wire.CloseOverloaded, wire.ErrorInvalidFrame,
			"this node has not read the log up to applied_seq yet; back off and register again"}
	}
	end, past := r.pastEnd(reg)
	switch {
	case !past:
		return refusal{}
	case r.cfg.Shared:
		r.reportShortened(s, reg, end)
		return pastEnd
	case !r.credible(s.principal, reg):
		return pastEnd
	}
	return refusal{}
}

// pastEnd reports whether a driver has applied more of this log than this node has read, which is up to end.
func (r *Registry) pastEnd(reg *wire.Register) (end uint64, past bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end = r.offered.Load()
	return end, reg.LogID == r.logID && reg.AppliedSeq > end
}

// reportShortened reports that a log which other nodes write as well is shorter than what a driver has applied. No
// driver is stopped because of that.
func (r *Registry) reportShortened(s *session, reg *wire.Register, end uint64) {
	r.logger.Error("a driver has applied a command that is past the end of the shared log; it is disconnected, and an "+
		"operator must decide", "driver_id", reg.DriverID, "principal", s.principal.Name,
		"applied_seq", reg.AppliedSeq, "last_seq", end)
	if r.cfg.OnLogShortened != nil {
		r.cfg.OnLogShortened(reg.DriverID, reg.LogID, reg.AppliedSeq)
	}
}
