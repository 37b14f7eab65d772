package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/dispatch"
	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/feed"
	"github.com/swarmcall/swarmcall/internal/sidecar"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web"
)

// How long each part of a stop may take. Their sum stays under the 10 s that operators are promised.
const (
	roundGrace   = 3 * time.Second         // open rounds may still be answered
	outcomeGrace = time.Second             // then their outcomes must be in the log
	answerGrace  = time.Second             // HTTP answers leave
	drainGrace   = 1500 * time.Millisecond // drivers answer the close
	logGrace     = 2 * time.Second
)

// The implementations behind the ports, pinned in the one place that sees both sides.
var (
	_ dispatch.Log      = (*cmdlog.Log)(nil)
	_ dispatch.Drivers  = (*drivers.Registry)(nil)
	_ dispatch.Delivery = (*drivers.Registry)(nil)
	_ dispatch.Fold     = (*drivers.Registry)(nil)
	_ drivers.Rounds    = (*dispatch.Dispatcher)(nil)
	_ drivers.Requests  = (*dispatch.Dispatcher)(nil)
)

// server is the joined components.
type server struct {
	cfg        Config
	listener   net.Listener
	log        *cmdlog.Log
	dispatcher *dispatch.Dispatcher
	registry   *drivers.Registry
	feed       *feed.Feed
	past       sidecar.Memory // what the last process remembered

	withdrawals []swarm.Stored // newest resets and expired commands of the log
	epoch       sync.Mutex     // one driver at a time has the log's epoch raised
	ui          *web.UI
}

// Run serves until ctx ends, then stops in order and returns nil, or the error that kept it from starting or going on.
// Told to end while it starts, it has done what it was told. listening is told the address once requests are answered.
func Run(ctx context.Context, cfg Config, listening func(addr string)) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
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

// start opens what can fail, in the order of blame: a taken port is told before the log is touched, and entries that
// the last process left open are closed before anybody is answered.
func start(ctx context.Context, cfg Config) (_ *server, err error) {
	s := &server{cfg: cfg}
	if s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("cannot listen on %s (is another server running there? choose another --listen): %w",
			cfg.Listen, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.listener.Close())
		}
	}()
	addr := s.listener.Addr().String() // the first line of the log: with port 0, this is how to find the server
	listening := []any{"addr", addr, "url", "http://" + addr, "data_dir", cfg.DataDir}
	if cfg.PublicURL != "" {
		listening = append(listening, "public_url", cfg.PublicURL)
	}
	cfg.Logger.Info("listening", listening...)
	for _, warning := range cfg.Warnings {
		cfg.Logger.Warn(warning)
	}
	memory := newMemory()
	s.log, err = cmdlog.Open(ctx, cmdlog.Config{
		Dir: cfg.DataDir, Node: cfg.NodeName, Sync: cmdlog.SyncPolicy(cfg.LogSync), MaxBytes: cfg.LogMaxBytes,
		AcceptLoss: cfg.AcceptDataLoss, Logger: cfg.Logger,
		Replay: memory.take,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.log.Close(context.WithoutCancel(ctx)))
		}
	}()
	s.dispatcher = dispatch.New(dispatch.Config{
		Log: s.log, Keys: memory.keys, Node: cfg.NodeName, Logger: cfg.Logger,
	})
	if err := s.recover(ctx, memory); err != nil {
		return nil, err
	}
	s.past, s.withdrawals = recallPast(cfg), memory.withdrawals
	s.feed = feed.New(s.log, s.log.Last())
	s.log.Notify(s.feed.Add)
	s.registry, err = drivers.New(drivers.Config{
		HeartbeatInterval: cfg.HeartbeatInterval, StaleAfter: cfg.StaleAfter, ForgetAfter: cfg.ForgetAfter,
		LeaseTTL: cfg.LeaseTTL, OnLeaseLost: cfg.OnLeaseLost, Resplit: drivers.Resplit(cfg.Resplit),
		Past: drivers.Past{
			Drivers: s.past.Drivers, LogID: s.log.ID(), Desired: memory.desired, LastSeq: s.log.Last(),
		},
		OnLogShortened: s.logShortened, Logger: cfg.Logger,
	}, s.dispatcher, s.dispatcher)
	if err != nil {
		return nil, err
	}
	s.dispatcher.Bind(s.registry, s.registry, s.registry)
	return s, nil
}
