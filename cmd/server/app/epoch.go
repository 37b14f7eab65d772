package app

import (
	"context"
	"time"
)

// epochPatience bounds how long a driver that has applied more than the log contains waits for the log's new id.
const epochPatience = 5 * time.Second

// logShortened gives the log a new epoch, because a driver that registered under logID has applied a command that is
// not in the log. All drivers of a swarm may report this at once: the first raises the epoch, the others find it
// raised.
func (s *server) logShortened(driverID, logID string, appliedSeq uint64) {
	s.epoch.Lock()
	defer s.epoch.Unlock()
	if s.log.ID() != logID {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), epochPatience)
	defer cancel()
	next := s.log.NextEpoch("driver " + driverID + " has applied a command that is not in the log")
	if err := s.dispatcher.RaiseEpoch(ctx, next); err != nil {
		s.cfg.Logger.Error("the log's epoch cannot be raised", "driver_id", driverID, "applied_seq", appliedSeq,
			"err", err)
		return
	}
	s.registry.SetLogID(s.log.ID())
	s.cfg.Logger.Error("entries of the log were lost, so its epoch was raised and every driver received a stop",
		"log_id", s.log.ID())
}
