package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/audit"
	"github.com/swarmcall/swarmcall/internal/auth"
	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/httpapi"
	"github.com/swarmcall/swarmcall/internal/limits"
	"github.com/swarmcall/swarmcall/internal/metrics"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// sessionKeyFile is the file in the data directory that has the key of sign-in sessions, unless a flag names another.
const sessionKeyFile = "session.key"

// access is what a server with an auth file needs. Without one there is none of it: everybody may do everything.
type access struct {
	keeper  *auth.Keeper
	audit   *audit.Log
	budgets *limits.Budgets
	meter   *metrics.Access
}

// openAccess reads the auth file and opens the audit log. It returns nil without an auth file.
func (s *server) openAccess(ctx context.Context) (_ *access, err error) {
	if s.cfg.AuthFile == "" {
		return nil, nil //nolint:nilnil // no authentication is a fact, not an error
	}
	a := &access{meter: s.metrics.Access}
	if a.budgets, err = limits.New(limits.Defaults()); err != nil {
		return nil, err
	}
	key, err := s.sessionKey(ctx)
	if err != nil {
		return nil, err
	}
	if a.audit, err = audit.Open(audit.Config{Dir: s.cfg.DataDir, Logger: s.cfg.Logger}); err != nil {
		return nil, err
	}
	a.keeper, err = auth.Open(auth.Config{
		File: s.cfg.AuthFile, SessionKey: key, Logger: s.cfg.Logger, Unknown: a.budgets.Stranger,
		Reloaded: func(change string, err error) {
			a.meter.Reloaded(metrics.FileAuth, err)
			a.reloaded(swarm.AuditReloaded, swarm.AuditReloadFailed, change, err)
		},
	})
	if err != nil {
		return nil, errors.Join(err, a.audit.Close())
	}
	s.cfg.Reloads.Add(s.cfg.AuthFile, a.keeper.Reload)
	a.audit.Record(swarm.AuditEvent{Kind: swarm.AuditStarted, Via: swarm.Via{Server: true}})
	return a, nil
}

// sessionKey returns the key of sign-in sessions. Nodes share one, so that a session is valid at each of them.
func (s *server) sessionKey(ctx context.Context) ([]byte, error) {
	if s.nodes != nil && s.cfg.SessionKeyFile == "" {
		return s.nodes.cluster.SharedSecret(ctx, sessionKeyFile, auth.KeyBytes)
	}
	return auth.SessionKey(cmp.Or(s.cfg.SessionKeyFile, filepath.Join(s.cfg.DataDir, sessionKeyFile)))
}

// reloaded records that a file was read again, or could not be. Without authentication there is no audit log.
func (a *access) reloaded(kind, failed swarm.AuditKind, change string, err error) {
	if a == nil {
		return
	}
	e := swarm.AuditEvent{Kind: kind, Detail: change, Via: swarm.Via{Server: true}}
	if err != nil {
		e.Kind, e.Detail = failed, err.Error()
	}
	a.audit.Record(e)
}

// close writes what the audit log has not written yet.
func (a *access) close() error {
	if a == nil {
		return nil
	}
	a.audit.Record(swarm.AuditEvent{Kind: swarm.AuditStopped, Via: swarm.Via{Server: true}})
	return a.audit.Close()
}

// overDrivers bounds what drivers may do.
func (a *access) overDrivers(cfg *drivers.Config) {
	if a == nil {
		return
	}
	l := limits.Defaults()
	cfg.Standing, cfg.MaxDrivers = a.keeper.Standing, l.MaxDrivers
	cfg.FramesPerSecond, cfg.FrameBurst = int(l.Frames.PerSecond), l.Frames.Burst
	cfg.OnRefused = func(d drivers.Refused) {
		a.meter.Failed(d.Code)
		a.audit.Record(swarm.AuditEvent{
			Kind: swarm.AuditRefused, Name: d.Principal.Name, Code: d.Code, Route: "/drivers/connect", Detail: d.Detail,
			DriverID: d.DriverID, Via: swarm.Via{Credential: d.Principal.Credential, RemoteAddr: d.RemoteAddr},
		})
	}
}

// into gives the router its part.
func (a *access) into(cfg *httpapi.Config) {
	l := limits.Defaults()
	cfg.Limits = httpapi.Limits{
		Commands: httpapi.RateLimit(l.Commands), Stops: httpapi.RateLimit(l.Stops),
		Unauthenticated: httpapi.RateLimit(l.Strangers), DriverFrames: httpapi.RateLimit(l.Frames),
		MaxDrivers: l.MaxDrivers, MaxStreams: l.MaxStreams, MaxHeaderBytes: maxHeaderBytes, MaxFrameBytes: wire.MaxFrameBytes,
	}
	if a != nil {
		cfg.Access, cfg.Audit = a.keeper, a.audit
	}
}

// signIns signs people in to the dashboard.
type signIns struct{ *access }

// SignIn implements web.Access.
func (a signIns) SignIn(
	r *http.Request, secret string,
) (cookie string, expires time.Time, who swarm.Principal, err error) {
	cookie, expires, who, err = a.keeper.SignIn(secret)
	if err != nil {
		if wait, ok := a.budgets.Stranger(r.RemoteAddr); !ok {
			err = &swarm.Error{
				Code: swarm.CodeRateLimited, Detail: "this address has tried too often",
				Attrs: map[string]any{"retry_after": wait},
			}
		}
		return cookie, expires, who, err
	}
	a.acted(r, swarm.AuditSignedIn, who)
	return cookie, expires, who, nil
}

// SignOut implements web.Access.
func (a signIns) SignOut(r *http.Request) {
	if c, err := r.Cookie(auth.CookieName); err == nil {
		a.keeper.SignOut(c.Value)
	}
	if p := swarm.PrincipalOf(r.Context()); p.Role != "" {
		a.acted(r, swarm.AuditSignedOut, p)
	}
}

func (a signIns) acted(r *http.Request, kind swarm.AuditKind, p swarm.Principal) {
	e := swarm.AuditEvent{Kind: kind, Name: p.Name}
	if via := swarm.ViaOf(r.Context()); via != nil {
		e.Via = *via
	}
	e.Via.Credential = p.Credential
	a.audit.Record(e)
}
