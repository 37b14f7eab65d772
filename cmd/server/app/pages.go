package app

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/auth"
	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/httpapi"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web"
)

// pages makes the dashboard. The router writes its errors, so both are made together.
func (s *server) pages(stopping *atomic.Bool, public *url.URL) httpapi.Mount {
	return func(refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
		cfg := web.Config{
			Log: patientLog{s.log, s.nodes}, Fleet: s.registry, Commands: waiting{s.admission()}, Feed: s.feed,
			DefaultDeadline: s.cfg.DefaultDeadline,
			Ready:           func(ctx context.Context) []web.Check { return s.pageChecks(ctx, stopping) },
			Started:         time.Now(), RunsOn: s.runsOn(), Past: pagesPast(s.past), Remembered: s.registry.Remembered,
			Withdrawals: s.withdrawals, Nodes: s.listNodes(stopping),
			About: s.about(), Limits: shownLimits(s.log.Usage().Max),
			Public: public, Address: httpapi.Address, AllowedOrigins: s.cfg.AllowedOrigins,
			Status: httpapi.Status, Problem: refuse, Logger: s.cfg.Logger,
			SessionCookie: auth.CookieName, Meter: requestMeter{s.metrics},
		}
		if s.access != nil {
			cfg.Access = signIns{s.access}
		}
		s.ui = web.New(cfg)
		return s.ui
	}
}

// runsOn returns how long drivers may keep running after a start without reconnecting: for a lease, unless they hold.
func (s *server) runsOn() time.Duration {
	if s.cfg.OnLeaseLost == drivers.OnLeaseLostStop {
		return s.cfg.LeaseTTL
	}
	return max(s.cfg.LeaseTTL, s.cfg.ForgetAfter)
}

func (s *server) pageChecks(ctx context.Context, stopping *atomic.Bool) []web.Check {
	var out []web.Check
	for _, c := range s.ready(ctx, stopping) {
		out = append(out, web.Check(c))
	}
	return out
}

// about is the content of the About page.
func (s *server) about() []web.Fact {
	return []web.Fact{
		{Name: "Version", Value: s.cfg.Version.Version}, {Name: "Revision", Value: s.cfg.Version.Revision},
		{Name: "Go", Value: s.cfg.Version.GoVersion},
		{Name: "Public address", Value: cmp.Or(s.cfg.PublicURL, "none: --public-url is for a server behind a proxy")},
		{Name: "Node", Value: s.cfg.NodeName}, {Name: "Log", Value: s.logPlace()},
		{Name: "Log id", Value: s.log.ID()},
		{Name: "Sync", Value: string(s.log.SyncPolicy())},
		{Name: "Heartbeat", Value: "every " + s.cfg.HeartbeatInterval.String() + ", stale after " +
			s.cfg.StaleAfter.String()},
		{Name: "Forgotten", Value: s.cfg.ForgetAfter.String() + " after the session was lost"},
		{Name: "Default deadline", Value: s.cfg.DefaultDeadline.String()},
		{Name: "Totals", Value: totals(drivers.Resplit(s.cfg.Resplit))},
		{Name: "Lease", Value: s.cfg.LeaseTTL.String() + ", then drivers " + s.cfg.OnLeaseLost},
	}
}

func (s *server) logPlace() string {
	if s.nodes != nil {
		return "shared by nodes, in NATS JetStream"
	}
	return "embedded, in " + s.cfg.DataDir
}

// shownLimits are the limits that README names, with this server's values.
func shownLimits(logBytes int64) []web.Fact {
	count := web.Count
	return slices.Concat([]web.Fact{
		{Name: "Log", Value: web.Bytes(logBytes) + ", then it refuses"},
		{Name: "Request body", Value: web.Bytes(httpapi.MaxBodyBytes)},
		{Name: "Request headers", Value: web.Bytes(maxHeaderBytes)},
		{Name: "Driver frame", Value: web.Bytes(wire.MaxFrameBytes)},
		{Name: "Ids", Value: count(swarm.MaxIDBytes) + " bytes"},
		{Name: "Labels", Value: fmt.Sprintf("%d, each of %d bytes", swarm.MaxLabels, swarm.MaxLabelValueBytes)},
		{Name: "Note", Value: count(command.MaxNoteBytes) + " bytes"},
		{Name: "Deadline", Value: web.Latency(swarm.MinDeadline) + " to " + web.Latency(swarm.MaxDeadline)},
	}, valueLimits(), []web.Fact{
		{Name: "Named drivers", Value: count(swarm.MaxTargetIDs) + " per command"},
		{Name: "Page of the API", Value: count(swarm.MaxPage) + " items"},
		{Name: "Page of this dashboard",
			Value: fmt.Sprintf("%d commands, %d drivers", web.PageOfCommands, web.PageOfDrivers)},
		{Name: "Live viewers", Value: count(web.MaxViewers)},
	})
}

// valueLimits are the limits of command values.
func valueLimits() (facts []web.Fact) {
	for _, r := range command.Table() {
		switch {
		case r.Total != "":
			facts = append(facts, web.Fact{
				Name: r.Name, Value: web.Count(r.Max) + " per driver, " + web.Count(r.MaxTotal) + " in all",
			})
		case r.HasValue():
			facts = append(facts, web.Fact{Name: r.Name, Value: fmt.Sprintf(r.Figure, web.Count(r.Max))})
		}
	}
	return facts
}
