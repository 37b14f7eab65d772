package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/swarmcall/swarmcall/internal/certs"
	"github.com/swarmcall/swarmcall/internal/cluster"
	"github.com/swarmcall/swarmcall/internal/dispatch"
	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/feed"
	"github.com/swarmcall/swarmcall/internal/metrics"
	"github.com/swarmcall/swarmcall/internal/sidecar"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/trace"
	"github.com/swarmcall/swarmcall/internal/webhooks"
	"github.com/swarmcall/swarmcall/web"
)

// Time limits of the parts of a stop. Their sum stays below the 10 s that operators are promised.
const (
	roundGrace   = 3 * time.Second         // open rounds may still be answered
	outcomeGrace = time.Second             // then their outcomes must be in the log
	answerGrace  = time.Second             // HTTP answers are sent
	drainGrace   = 1500 * time.Millisecond // drivers answer the close
	logGrace     = 2 * time.Second
)

// The implementations of the ports, checked in the one package that sees both sides.
var (
	_ dispatch.Drivers  = (*drivers.Registry)(nil)
	_ dispatch.Delivery = (*drivers.Registry)(nil)
	_ dispatch.Fold     = (*drivers.Registry)(nil)
	_ drivers.Rounds    = (*dispatch.Dispatcher)(nil)
	_ drivers.Requests  = (*dispatch.Dispatcher)(nil)
	_ webhooks.Log      = hookLog{}
	_ dispatch.Peers    = (*cluster.Cluster)(nil)
	_ cluster.Drivers   = shared{}
	_ cluster.Rounds    = rounds{}
)

// server joins the components.
type server struct {
	cfg        Config
	listener   net.Listener
	ops        ops
	metrics    *metrics.Metrics
	certs      *certs.Store // nil without TLS
	log        commandLog
	sessions   sessionTimes
	dispatcher *dispatch.Dispatcher
	registry   *drivers.Registry
	access     *access       // nil without authentication
	traces     *trace.Tracer // nil unless commands are traced
	feed       *feed.Feed
	webhooks   *webhooks.Sender // nil without a webhooks file
	past       sidecar.Memory   // state that the last process stored
	nodes      *nodes           // nil on a single node
	memory     *memory          // what the log contained at the start
	startedAt  time.Time
	instance   string // changes at every start

	withdrawals []swarm.Stored // newest resets and expired commands of the log
	epoch       sync.Mutex     // only one driver at a time raises the log's epoch
	ui          *web.UI
}

// Run serves until ctx ends, then stops in order and returns nil. It returns an error if it cannot start or continue.
// If ctx ends while it starts, it returns nil as well. Run calls listening with the address once it answers requests.
func Run(ctx context.Context, cfg Config, listening func(addr string)) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	cfg.Logger = slog.New(Masked(cfg.Logger.Handler()))
	s, err := start(ctx, cfg)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		cfg.Logger.Info("the server was ended while starting", "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	return s.serve(ctx, listening)
}

// start opens everything that can fail, in an order that gives clear errors: a used port is reported before the log is
// touched, and entries that the last process left open are closed before any request is answered.
func start(ctx context.Context, cfg Config) (_ *server, err error) {
	s := &server{
		cfg: cfg, metrics: metrics.New(metrics.Build(cfg.Version)), startedAt: time.Now(), instance: uuid.NewString(),
		memory: newMemory(),
	}
	if s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("cannot listen on %s (is another server running there? choose another --listen): %w",
			cfg.Listen, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.listener.Close(), s.ops.close())
		}
	}()
	addr := s.listener.Addr().String() // the first line of the log: with port 0 it is the only way to find the address
	listening := []any{"addr", addr, "url", cfg.scheme() + "://" + addr, "data_dir", cfg.DataDir}
	if cfg.PublicURL != "" {
		listening = append(listening, "public_url", cfg.PublicURL)
	}
	cfg.Logger.Info("listening", listening...)
	for _, warning := range cfg.Warnings {
		cfg.Logger.Warn(warning)
	}
	if err := s.listenOps(ctx); err != nil {
		return nil, err
	}
	if err := s.openCertificate(); err != nil {
		return nil, err
	}
	if err := s.openTraces(ctx); err != nil {
		return nil, err
	}
	defer func() { s.abandonTraces(ctx, err) }()
	if err := s.openLog(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			ctx := context.WithoutCancel(ctx)
			err = errors.Join(err, s.log.Close(ctx), s.nodes.close(ctx))
		}
	}()
	if s.access, err = s.openAccess(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.access.close())
		}
	}()
	if err := s.openSwarm(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// openSwarm joins the dispatcher and the registry, on what the log contains.
func (s *server) openSwarm(ctx context.Context) (err error) {
	dispatcher := dispatch.Config{
		Log: s.log, Keys: s.memory.keys, Node: s.cfg.NodeName, Logger: s.cfg.Logger, Follow: s.traces.Begin,
	}
	if s.nodes != nil {
		dispatcher.Peers, dispatcher.Holds = s.nodes.cluster, s.nodes.cluster.Holds
	}
	s.dispatcher = dispatch.New(dispatcher)
	if err := s.recover(ctx); err != nil {
		return err
	}
	s.past, s.withdrawals = recallPast(s.cfg), s.memory.withdrawals
	s.feed = feed.New(s.log, s.log.Last())
	if err := s.openWebhooks(); err != nil {
		return err
	}
	if s.registry, err = drivers.New(s.registryConfig(), s.dispatcher, s.dispatcher); err != nil {
		return err
	}
	s.dispatcher.Bind(s.registry, s.registry, s.registry)
	if s.nodes != nil {
		return s.join(ctx)
	}
	s.notify()
	return nil
}

// notify lets the log pass on what is appended from now on.
func (s *server) notify() {
	s.log.Notify(func(a swarm.Appended) {
		s.feed.Add(a.First, a.Records)
		s.dispatcher.Take(a)
	})
}

func (s *server) registryConfig() drivers.Config {
	c := drivers.Config{
		HeartbeatInterval: s.cfg.HeartbeatInterval, StaleAfter: s.cfg.StaleAfter, ForgetAfter: s.cfg.ForgetAfter,
		LeaseTTL: s.cfg.LeaseTTL, OnLeaseLost: s.cfg.OnLeaseLost, Resplit: drivers.Resplit(s.cfg.Resplit),
		Past: drivers.Past{
			Drivers: s.past.Drivers, LogID: s.log.ID(), Desired: s.memory.desired, LastSeq: s.log.Last(),
		},
		OnLogShortened: s.logShortened, Meter: s.metrics.Sessions, Logger: s.cfg.Logger,
	}
	s.access.overDrivers(&c)
	s.nodes.overDrivers(&c)
	return c
}
