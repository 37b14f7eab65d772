package together

import (
	"maps"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// knownDriver is a known driver, with the properties that targets select.
type knownDriver struct {
	id     string
	labels map[string]string
	active bool
}

// question is a submission with what was known when it was sent.
type question struct {
	swarm.Submission
	known   []knownDriver // that match its target
	newest  uint64        // place of the newest load command that concerns it
	records []swarm.Record
	loads   map[uint64]loadRecord
}

func (s *teams) question(sub swarm.Submission) question {
	q := question{Submission: sub, records: s.world.log.Records(), loads: s.loads()}
	for _, d := range s.world.r.Drivers() {
		if !sub.Target.Matches(d.ID, d.Labels) {
			continue
		}
		q.known = append(q.known, knownDriver{d.ID, d.Labels, d.State == swarm.Active})
		for place, r := range q.loads {
			if r.target.Matches(d.ID, d.Labels) || slices.Contains(r.targets, d.ID) {
				q.newest = max(q.newest, place)
			}
		}
	}
	return q
}

// loadRecord is the record at one place in the order of load commands.
type loadRecord struct {
	seq       uint64
	submitter string
	command   swarm.Command
	target    swarm.Target
	targets   []string
	parts     map[string]int64
	condition *swarm.Condition
}

// loads are the load commands of the log by their order: a Stop that replaces an expired command has the order of that
// command.
func loads(records []swarm.Record) map[uint64]loadRecord {
	out, _ := loadsAndEnded(records)
	return out
}

// loadsAndEnded also returns, by place, the expired commands whose Stop has expired as well.
func loadsAndEnded(records []swarm.Record) (out, ended map[uint64]loadRecord) {
	out, ended = map[uint64]loadRecord{}, map[uint64]loadRecord{}
	for i, r := range records {
		place := uint64(i) + 1
		switch r := r.(type) {
		case *swarm.Issued:
			if r.Command.Slot() != command.LoadSlot {
				continue
			}
			l := loadRecord{
				seq: place, submitter: r.Submitter, command: r.Command, target: r.Target, targets: r.Targets,
				condition: r.Condition, parts: map[string]int64{},
			}
			for at, n := range r.Split {
				l.parts[r.Targets[at]] = n
			}
			out[place] = l
		case *swarm.Reset:
			out[place] = loadRecord{seq: place, command: stop}
		case *swarm.Expired:
			at, l := placeOf(out, r.Replaced)
			if at != r.Replaced { // the Stop of an expired command expires
				delete(out, at)
				ended[at] = l
				continue
			}
			// for other drivers that it named, newer commands have replaced it
			l.seq, l.command, l.target = place, stop, r.Target
			out[r.Replaced] = l
		}
	}
	return out, ended
}

// placeOf finds a load command by its seq.
func placeOf(all map[uint64]loadRecord, seq uint64) (place uint64, r loadRecord) {
	for at, l := range all {
		if l.seq == seq {
			return at, l
		}
	}
	return 0, loadRecord{}
}

// loads returns the load commands of the log, without those that the server has forgotten because no driver matched
// them for long and they hold back no load.
func (s *teams) loads() map[uint64]loadRecord {
	all := loads(s.world.log.Records())
	for place, r := range all {
		free := func(id string) bool { return s.forgottenFor[placeFor{place, id}] }
		ids := slices.DeleteFunc(slices.Clone(r.target.DriverIDs), free)
		if s.forgotten[place] || len(ids) == 0 && len(r.target.DriverIDs) > 0 {
			delete(all, place)
			continue
		}
		r.target.DriverIDs, r.targets = ids, slices.DeleteFunc(slices.Clone(r.targets), free)
		all[place] = r
	}
	return all
}

// noteForgotten finds Stops that are missing in the fold although nothing newer replaced them: those that were
// forgotten, and those that expired. The commands that they had replaced are dropped before them, and do not return.
func (s *teams) noteForgotten() {
	all, gone := loadsAndEnded(s.world.log.Records())
	for place, r := range all {
		idle := time.Since(s.matched[r.seq]) >= s.cfg.ForgetAfter-time.Second &&
			len(r.target.DriverIDs)+len(r.target.Labels) > 0
		if noLoad := r.command.Type == command.Stop || r.command.Value == 0; noLoad && idle &&
			!s.desired.InForce(command.LoadSlot, r.seq) {
			s.forgotten[place], gone[place] = true, r
		}
	}
	newest := slices.Max(append(slices.Collect(maps.Keys(gone)), 0))
	for place, r := range all {
		if place < newest && !s.desired.InForce(command.LoadSlot, r.seq) {
			s.forgotten[place] = true
		}
	}
	s.noteForgottenFor(all, gone)
}

// noteForgottenFor finds the drivers for which a command that no longer exists had replaced an older one. The older one
// may still hold for other drivers that it names, and then the fold still has it.
func (s *teams) noteForgottenFor(all, gone map[uint64]loadRecord) {
	if len(gone) == 0 {
		return
	}
	never := func(swarm.Target) bool { return false }
	has := map[uint64][]string{} // by seq: the drivers for which the fold has it by name
	for _, r := range s.desired.Idle(never, func(uint64) bool { return false }) {
		has[r.Seq] = r.Target.DriverIDs
	}
	for place, r := range all {
		for _, id := range r.target.DriverIDs {
			taken := func(at uint64) bool { return at > place && slices.Contains(gone[at].target.DriverIDs, id) }
			if slices.ContainsFunc(slices.Collect(maps.Keys(gone)), taken) && !slices.Contains(has[r.seq], id) {
				s.forgottenFor[placeFor{place, id}] = true
			}
		}
	}
}

// holdsFor folds load commands for one driver in the simplest possible way: in order, each replaces the one before,
// unless it is conditional and the one before is newer than its base and from another submitter.
func holdsFor(all map[uint64]loadRecord, id string, labels map[string]string) (current uint64) {
	for _, place := range slices.Sorted(maps.Keys(all)) {
		r := all[place]
		if !r.target.Matches(id, labels) {
			continue
		}
		if before := all[current]; r.condition != nil && current > r.condition.Base && before.submitter != r.submitter {
			continue
		}
		current = place
	}
	return current
}

// baseOf follows a chain of conditional commands of one submitter.
func baseOf(records []swarm.Record, submitter string, ifSeq uint64) uint64 {
	if ifSeq == 0 || ifSeq > uint64(len(records)) {
		return ifSeq
	}
	if r, ok := records[ifSeq-1].(*swarm.Issued); ok && r.Submitter == submitter && r.Condition != nil {
		return r.Condition.Base
	}
	return ifSeq
}

// takenFrom reports whether a conditional submission must leave a driver to another submitter.
func (q question) takenFrom(d knownDriver) bool {
	if q.IfSeq == nil || q.Command.Slot() != command.LoadSlot {
		return false
	}
	current := holdsFor(q.loads, d.id, d.labels)
	return current > baseOf(q.records, q.Submitter, *q.IfSeq) && q.loads[current].submitter != q.Submitter
}

// checkIssued: a conditional command was not refused, so nothing newer concerned it; every known driver that matches is
// a target or was left out, each for its reason.
func (s *teams) checkIssued(q question, e swarm.Entry) {
	if q.IfSeq != nil && q.newest > *q.IfSeq {
		s.bad("seq %d was issued if nothing newer than %d concerns it, and %d does", e.Seq, *q.IfSeq, q.newest)
	}
	active := slices.ContainsFunc(q.known, func(d knownDriver) bool { return d.active && !q.takenFrom(d) })
	var targets, leftOut []string
	for _, d := range q.known {
		switch {
		case q.takenFrom(d):
			leftOut = append(leftOut, d.id+" other_run")
		case d.active || !active: // a Stop for only lost drivers has them as targets
			targets = append(targets, d.id)
		default:
			leftOut = append(leftOut, d.id)
		}
	}
	var gotLeftOut []string
	for _, l := range e.Issued.LeftOut {
		if l.Reason == swarm.LeftOutOtherRun {
			gotLeftOut = append(gotLeftOut, l.DriverID+" other_run")
		} else {
			gotLeftOut = append(gotLeftOut, l.DriverID)
		}
	}
	if !slices.Equal(targets, e.Issued.Targets) || !slices.Equal(sortedCopy(leftOut), sortedCopy(gotLeftOut)) {
		s.bad("seq %d: targets %v and left out %v, want %v and %v", e.Seq, e.Issued.Targets, gotLeftOut, targets,
			leftOut)
	}
	if len(q.known) == 0 && time.Since(s.startedAt) >= s.cfg.ForgetAfter {
		s.bad("seq %d: a Stop without drivers was logged long after the start", e.Seq)
	}
}

// checkNewer: a refusal for a newer command requires one that concerns the target, or that every driver belongs to
// another submitter.
func (s *teams) checkNewer(q question) {
	if q.IfSeq == nil {
		s.bad("a command without if_seq was refused for a newer one")
		return
	}
	free := slices.ContainsFunc(q.known, func(d knownDriver) bool { return d.active && !q.takenFrom(d) })
	if q.newest <= *q.IfSeq && free {
		s.bad("%s of %s on %v was refused with if_seq %d, and the newest that concerns it is %d", q.Command.Type,
			q.Submitter, q.Target, *q.IfSeq, q.newest)
	}
}

// checkNoDriver: no driver was known, and a Stop for a known driver is never refused.
func (s *teams) checkNoDriver(q question) {
	for _, d := range q.known {
		if (d.active || q.Command.Type == command.Stop) && !q.takenFrom(d) {
			s.bad("%s of %s on %v was refused for want of drivers, and %s is there", q.Command.Type, q.Submitter,
				q.Target, d.id)
		}
	}
}

// look samples the swarm: the known drivers, the server's view of the newest entries, and the running load.
func (s *teams) look() {
	all := loads(s.world.log.Records())
	for _, r := range all {
		if _, known := s.matched[r.seq]; !known {
			s.matched[r.seq] = time.Now()
		}
	}
	for _, d := range s.world.r.Drivers() {
		for _, r := range all {
			if r.target.Matches(d.ID, d.Labels) {
				s.matched[r.seq] = time.Now()
			}
		}
	}
	s.noteForgotten()
	if s.regressed {
		s.bad("a single driver's forged applied_seq raised the epoch")
		s.regressed = false
	}
	s.checkProgress()
	s.checkTotals()
}

// matchedNow returns when known drivers last matched the commands in the log, as known before a deed.
func (s *teams) matchedNow() map[uint64]time.Time { return maps.Clone(s.matched) }

func (s *teams) sightings() (n []int) {
	for _, p := range s.processes {
		p.mu.Lock()
		n = append(n, len(p.seen))
		p.mu.Unlock()
	}
	return n
}

// staleSlack is how late a load command may expire: the server checks each second, and appends the record then.
const staleSlack = 3 * time.Second

// checkStarts: no driver that registers receives load that no known driver has matched for forget_after.
func (s *teams) checkStarts(before map[uint64]time.Time, seen []int) {
	for i, p := range s.processes {
		p.mu.Lock()
		for _, told := range p.seen[seen[i]:] {
			at, known := before[told.seq]
			if load := told.command.Players != nil && *told.command.Players > 0; !load || !told.desired || !known {
				continue
			}
			if idle := told.at.Sub(at); idle > s.cfg.ForgetAfter+staleSlack {
				s.bad("%s registered and received %d players of seq %d, which no driver had matched for %v", p.id,
					*told.command.Players, told.seq, idle)
			}
		}
		p.mu.Unlock()
	}
}

// checkProgress: what the server reports as applied, converged or stopped was applied by that driver.
func (s *teams) checkProgress() {
	entries := s.world.log.Entries()
	for _, e := range entries[max(0, len(entries)-3):] {
		p := s.world.r.Progress(e)
		for _, id := range p.Converged {
			if !s.hasApplied(id, e.Seq) || slices.Contains(p.Outstanding, id) {
				s.bad("seq %d: %s is said to have converged and has not applied it", e.Seq, id)
			}
		}
		if e.Issued.Command.Type != command.Stop {
			continue
		}
		proof := s.world.r.Stopped(e)
		for _, id := range e.Issued.Targets {
			if !slices.Contains(proof.Pending, id) && !s.hasApplied(id, e.Seq) && s.isKnown(id) {
				s.bad("seq %d: %s is said to have stopped and has not applied it", e.Seq, id)
			}
		}
	}
}

func (s *teams) isKnown(id string) bool {
	_, known := s.world.r.Driver(id)
	return known
}

func (s *teams) hasApplied(id string, seq uint64) bool {
	for _, p := range s.processes {
		if p.id == id {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.newest >= seq // also before startAfresh
		}
	}
	return false
}

// checkTotals: a total is not split again while a driver that has a share is lost or hung, and may be running it.
func (s *teams) checkTotals() {
	all := loads(s.world.log.Records())
	for seq, r := range all {
		if seq <= s.looked || seq != r.seq || s.first(r) == seq {
			continue
		}
		for _, p := range s.processes {
			p.mu.Lock()
			before, part := all[p.slot["players"]]
			runs := part && before.seq < seq && before.command.Total && s.first(before) == s.first(r) &&
				p.state.Players > 0
			// a hung process stops its load when it resumes
			lost := p.conn == nil && (p.lease == 0 || time.Since(p.heardAt) < p.lease)
			p.mu.Unlock()
			if d, _ := s.world.r.Driver(p.id); runs && (lost || d.State == swarm.Stale) {
				s.bad("seq %d splits a total again while %s may be running its part of seq %d", seq, p.id, before.seq)
			}
		}
	}
	s.looked = s.world.log.Last()
}

// first returns the entry at which a series of re-splits began.
func (s *teams) first(r loadRecord) uint64 {
	records := s.world.log.Records()
	for {
		issued, ok := records[r.seq-1].(*swarm.Issued)
		if !ok || issued.Cause == "" || issued.Condition == nil {
			return r.seq
		}
		r.seq = issued.Condition.IfSeq
	}
}

// checkConvergent: at the end every driver does what the log requires, and the server knows it.
func (s *teams) checkConvergent() {
	all := s.loads()
	for _, d := range s.world.r.State(swarm.StateQuery{}).Drivers {
		if d.Kind() != swarm.DriftConverged {
			s.bad("State: %s drifts by %v: %+v", d.DriverID, d.Reasons, d)
		}
		if d.OutsideSplit && s.onlyTotal(all) && s.cfg.Resplit == drivers.ResplitOnChange {
			s.bad("%s is outside the split of a total that holds for all, 15 s after it came", d.DriverID)
		}
	}
	whole := loads(s.world.log.Records())
	for _, p := range s.processes {
		r := all[holdsFor(all, p.id, p.labels)]
		want, also := playersOf(r, p.id), playersOf(whole[holdsFor(whole, p.id, p.labels)], p.id)
		p.mu.Lock()
		// a forgotten Stop may have replaced an older command for this driver
		if got := p.state.Players; got != want && got != also {
			s.bad("%s runs %d players, want %d by seq %d; its slot is at %d", p.id, got, want, r.seq, p.slot["players"])
		}
		p.mu.Unlock()
	}
}

func playersOf(r loadRecord, id string) int64 {
	switch {
	case r.command.Type != command.SetPlayers:
		return 0
	case r.command.Total:
		return r.parts[id]
	}
	return r.command.Value
}

// onlyTotal reports whether one total holds for every driver of the history, and nothing newer concerns any of them.
func (s *teams) onlyTotal(all map[uint64]loadRecord) bool {
	place := holdsFor(all, s.processes[0].id, s.processes[0].labels)
	for at, r := range all {
		if at > place &&
			slices.ContainsFunc(s.processes,
				func(p *process) bool { return r.target.Matches(p.id, p.labels) || slices.Contains(r.targets, p.id) }) {
			return false
		}
	}
	return !slices.ContainsFunc(s.processes, func(p *process) bool { return holdsFor(all, p.id, p.labels) != place })
}

// checkConditions: the base of a conditional command is the base of the first one in its chain.
func (s *teams) checkConditions() {
	records := s.world.log.Records()
	for i, r := range records {
		issued, ok := r.(*swarm.Issued)
		if !ok || issued.Condition == nil {
			continue
		}
		if want := min(baseOf(records[:i], issued.Submitter, issued.Condition.IfSeq),
			uint64(i)); issued.Condition.Base > want {
			s.bad("seq %d has the base %d, want %d", i+1, issued.Condition.Base, want)
		}
	}
}
