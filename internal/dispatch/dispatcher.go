package dispatch

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Config is what a Dispatcher needs. The caller closes the Log after Run has returned.
type Config struct {
	Log   Log
	Keys  *Keys  // idempotency keys already in the log; nil for none
	Node  string // writer's name in the records
	Peers Peers  // the other nodes; nil: there are none

	// Holds reports whether this node's lease is in force: without it, other nodes close its entries. nil: always.
	Holds  func() bool
	Logger *slog.Logger

	// Follow gives a follower to a command that the server itself submits, and the trace that drivers continue. It must
	// not block. nil: such commands are not followed.
	Follow func(ctx context.Context, s *swarm.Submission)
}

// Dispatcher puts commands in one order and follows each to its outcome. All methods are safe for concurrent use.
type Dispatcher struct {
	log       Log
	keys      *Keys
	drivers   Drivers
	delivery  Delivery
	fold      Fold
	node      string
	logger    *slog.Logger
	follow    func(context.Context, *swarm.Submission) // never nil
	peers     Peers                                    // never nil
	holds     func() bool                              // never nil
	queue     *queue
	gathering gathering
	postponed []*Call // closed, but their clients are woken after the next step; owned by Run
	basis     uint64  // end of the log when the present step began; owned by Run
	leaseLost atomic.Bool
	leaseless bool // the node lease was not in force when the present step began; owned by Run

	writing        atomic.Pointer[work] // what is being appended; Take carries it out
	conflictsInRow int                  // appends that came after another one, since the last success; owned by Run

	background sync.WaitGroup // background work that no caller waits for; joined by Shutdown
	late       lateAcks

	downSince atomic.Pointer[time.Time] // when the current series of failed appends began; nil if the last succeeded
	conflicts atomic.Uint64

	mu       sync.RWMutex
	calls    map[uint64]*Call // without a durable outcome
	idle     chan struct{}    // closed once refusing is set, this node owns no open call and no step may open one
	refusing bool             // no new commands
	busy     bool             // the sequencer is in a step that may open calls
	expiring bool             // the grace for open rounds is over
}

// New returns a Dispatcher. Bind must connect it to the drivers before Run.
func New(cfg Config) *Dispatcher {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Keys == nil {
		cfg.Keys = NewKeys()
	}
	if cfg.Peers == nil {
		cfg.Peers = noPeers{}
	}
	if cfg.Holds == nil {
		cfg.Holds = func() bool { return true }
	}
	if cfg.Follow == nil {
		cfg.Follow = func(context.Context, *swarm.Submission) {}
	}
	return &Dispatcher{
		log: cfg.Log, keys: cfg.Keys, node: cfg.Node, logger: cfg.Logger, follow: cfg.Follow,
		peers: cfg.Peers, holds: cfg.Holds,
		queue: newQueue(), calls: map[uint64]*Call{}, idle: make(chan struct{}),
	}
}

// Bind sets the ports to the drivers. It is separate from New because the drivers' side reports back to the Dispatcher,
// so one of the two must exist first.
func (d *Dispatcher) Bind(drivers Drivers, delivery Delivery, fold Fold) {
	d.drivers, d.delivery, d.fold = drivers, delivery, fold
}

// Receipt is the result of a submission: its call. Replayed says that an earlier submission with the same idempotency
// key created the call.
type Receipt struct {
	*Call
	Replayed bool
}

// Submit issues a command: when it returns a Receipt, the command is durable and is in the outboxes of the drivers. A
// key that was used within KeyWindow returns the same entry again, open or closed, whatever drivers exist now. The
// error has one of these swarm.Codes: invalid_command, no_active_drivers, not_enough_drivers, newer_command,
// idempotency_key_reused, rate_limited, log_unavailable or shutting_down; then nothing was logged or sent. If ctx ends,
// only the wait ends: the command may have been issued.
func (d *Dispatcher) Submit(ctx context.Context, s swarm.Submission) (Receipt, error) {
	r, err := d.ask(&submission{Submission: s, ctx: ctx})
	if err != nil {
		return Receipt{}, err
	}
	return d.receipt(ctx, r)
}

// Preview returns the record that Submit would write now. Its errors are those of Submit. Nothing is logged or sent,
// and the idempotency key is neither checked nor used.
func (d *Dispatcher) Preview(ctx context.Context, s swarm.Submission) (*swarm.Issued, error) {
	r, err := d.ask(&submission{Submission: s, preview: true, ctx: ctx})
	if err != nil {
		return nil, err
	}
	return r.issued, r.err
}

// ask passes a submission to the sequencer and waits for its answer.
func (d *Dispatcher) ask(t *submission) (submitted, error) {
	if err := t.Validate(); err != nil {
		return submitted{}, t.Refuse(err)
	}
	t.result = make(chan submitted, 1)
	if !d.queue.submit(t) {
		return submitted{}, t.Refuse(errShuttingDown)
	}
	select {
	case r := <-t.result:
		return r, nil
	case <-t.ctx.Done():
		return submitted{}, t.ctx.Err()
	}
}

func (d *Dispatcher) receipt(ctx context.Context, r submitted) (Receipt, error) {
	if r.err != nil || r.call != nil {
		return Receipt{r.call, r.replayed}, r.err
	}
	e, err := d.log.Entry(ctx, r.seq)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{settled(e), true}, nil
}

// Call returns the call of an entry that has no durable outcome yet.
func (d *Dispatcher) Call(seq uint64) (*Call, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	c, ok := d.calls[seq]
	return c, ok
}

// Open returns how many calls have no durable outcome yet.
func (d *Dispatcher) Open() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.calls)
}

// Ack handles a driver's answer to the command seq. It returns the time from the outbox to the answer, and whether the
// answer counted: as a verdict, or as the first late answer of a driver whose verdict is missing.
func (d *Dispatcher) Ack(driverID string, seq uint64, reply swarm.Reply) (latency time.Duration, counted bool) {
	now := time.Now()
	if c, ok := d.Call(seq); ok {
		if latency, counted, open := c.answer(driverID, reply, now); open {
			return latency, counted
		}
	}
	latency, counted, due := d.late.answer(seq, driverID, reply, now)
	if due {
		time.AfterFunc(lateEvery, func() { d.queue.late(seq) })
	}
	return latency, counted
}

// Conflicts returns how many answers contradicted an earlier answer of the same driver to the same command. The first
// answer counts.
func (d *Dispatcher) Conflicts() uint64 { return d.conflicts.Load() }

func (d *Dispatcher) conflict(driverID string, seq uint64, reply swarm.Reply) {
	d.conflicts.Add(1)
	d.logger.Warn("a driver answered a command twice with different answers; the first one counts",
		"driver_id", driverID, "seq", seq, "command_id", seq, "applied_now", reply.Applied, "code", reply.Code)
}

// Disconnected reports that a driver's session ended; no command after upTo was put into its outbox. The driver becomes
// missing in every open round up to upTo that still waits for it. For a command that is being offered at this moment,
// the result of Offer decides.
func (d *Dispatcher) Disconnected(driverID string, reason swarm.Reason, upTo uint64) {
	for _, c := range d.openCalls() {
		if c.seq <= upTo {
			c.disconnected(driverID, reason)
		}
	}
}

// Reset requests a reset record: Stop for every driver, with the given cause.
func (d *Dispatcher) Reset(cause string) { d.reset(&swarm.Reset{Cause: cause}) }

// Expire requests that load commands without any matching known driver are replaced by Stops.
func (d *Dispatcher) Expire(expired []*swarm.Expired) { d.queue.expire(expired) }

// RaiseEpoch appends a reset record that gives the log a new id, and waits until the record is durable and folded, or
// ctx ends.
func (d *Dispatcher) RaiseEpoch(ctx context.Context, r *swarm.Reset) error {
	select {
	case <-d.reset(r):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Dispatcher) reset(record *swarm.Reset) (folded chan struct{}) {
	record.Node, record.At = d.node, time.Now().UTC()
	r := &reset{record, make(chan struct{})}
	d.queue.reset(r)
	return r.folded
}

// LogDown returns for how long the log has accepted no essential record, such as an outcome or a Stop; 0 while it
// accepts them.
func (d *Dispatcher) LogDown() time.Duration {
	if since := d.downSince.Load(); since != nil {
		return time.Since(*since)
	}
	return 0
}

// Recover closes entries that an earlier process left open: every verdict is missing because of the restart. It uses
// few appends, because there may be many entries. Run must not have been called.
func (d *Dispatcher) Recover(ctx context.Context, open []swarm.Entry) error {
	for some := range slices.Chunk(open, maxBatch) {
		records := make([]swarm.Record, len(some))
		for i, e := range some {
			records[i] = d.lostByRestart(e)
		}
		if _, err := d.log.Append(ctx, d.log.Last(), records); err != nil {
			return err
		}
		for _, e := range some {
			d.late.expect(e.Seq, e.Issued.SubmittedAt, e.Issued.Targets, nil)
			d.logger.Debug("closed an entry that the previous process left open", "seq", e.Seq,
				"targeted", len(e.Issued.Targets))
		}
	}
	if n := len(open); n > 0 {
		d.logger.Warn("closed the entries that the previous process left open", "entries", n, "first_seq", open[0].Seq,
			"last_seq", open[n-1].Seq)
	}
	return nil
}

func (d *Dispatcher) lostByRestart(e swarm.Entry) *swarm.Closed {
	closed := &swarm.Closed{
		Seq: e.Seq, Node: d.node, ClosedAt: time.Now().UTC(), Verdicts: make([]swarm.Verdict, len(e.Issued.Targets)),
	}
	closed.Duration = max(0, closed.ClosedAt.Sub(e.Issued.SubmittedAt))
	for i := range closed.Verdicts {
		closed.Verdicts[i] = swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonServerRestart}
	}
	return closed
}

// Recall prepares closed entries of the past to receive late acks, oldest first: their missing drivers may reconnect
// and answer the commands they receive then. Run must not have been called.
func (d *Dispatcher) Recall(closed []swarm.Entry) {
	for _, e := range closed {
		answered := make(map[string]bool, len(e.Late))
		for _, ack := range e.Late {
			answered[ack.DriverID] = true
		}
		ids := missing(e.Issued.Targets, e.Closed.Verdicts, always)
		ids = slices.DeleteFunc(ids, func(id string) bool { return answered[id] })
		d.late.expect(e.Seq, e.Closed.ClosedAt.Add(-e.Closed.Duration), ids, nil)
	}
}

// Shutdown refuses new commands, waits for open rounds until ctx ends, then closes them with reason server_restart. It
// returns when every outcome is durable, or when hard ends. Run returns soon after.
func (d *Dispatcher) Shutdown(ctx, hard context.Context) {
	d.refuse()
	select {
	case <-d.idle:
	case <-ctx.Done():
	}
	d.mu.Lock()
	d.expiring = true
	d.mu.Unlock()
	for _, c := range d.openCalls() {
		c.expire(serverRestart)
	}
	select {
	case <-d.idle:
	case <-hard.Done():
		d.logger.Error("stopping with outcomes that the log did not record; their entries are closed at the next start",
			"open", len(d.openCalls()))
	}
	for _, seq := range d.late.due() {
		d.queue.late(seq)
	}
	d.queue.close()
	d.background.Wait()
}

var errShuttingDown = swarm.Errorf(swarm.CodeShuttingDown,
	"the server is stopping; send the command again after the restart")

func serverRestart(string) swarm.Reason { return swarm.ReasonServerRestart }

// stepping announces that the sequencer may open calls until stepped is called. It returns false if no more calls may
// be opened.
func (d *Dispatcher) stepping() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = !d.refusing
	return d.busy
}

func (d *Dispatcher) stepped() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = false
	d.closeIdleIfDone()
}

func (d *Dispatcher) refuse() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.refusing {
		d.refusing = true
		d.closeIdleIfDone()
	}
}

func (d *Dispatcher) openCalls() []*Call {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := make([]*Call, 0, len(d.calls))
	for _, c := range d.calls {
		out = append(out, c)
	}
	return out
}

func (d *Dispatcher) enqueueClose(c *Call) { d.queue.closeCall(c) }

// opened and ended maintain the table of calls without a durable outcome. opened reports whether the grace for open
// rounds is over.
func (d *Dispatcher) opened(c *Call) (expiring bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[c.seq] = c
	return d.expiring
}

func (d *Dispatcher) ended(c *Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.calls, c.seq)
	d.closeIdleIfDone()
}

func (d *Dispatcher) closeIdleIfDone() {
	owned := func(c *Call) bool { return !c.foreign.Load() }
	if d.refusing && !d.busy && !slices.ContainsFunc(slices.Collect(maps.Values(d.calls)), owned) {
		select {
		case <-d.idle:
		default:
			close(d.idle)
		}
	}
}
