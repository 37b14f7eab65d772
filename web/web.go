package web

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/assets"
	"github.com/swarmcall/swarmcall/web/internal/live"
	"github.com/swarmcall/swarmcall/web/internal/page"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// MaxViewers is the maximum number of live pages at a time; further pages do not update live.
const MaxViewers = 10_000

// UI is the dashboard.
type UI struct {
	cfg     Config
	base    string // prefix of the paths that visitors use: "" or "/swarmcall"
	handler http.Handler
	cross   *http.CrossOriginProtection // refuses forms posted by pages of other sites
	hub     *live.Hub
	source  *source
	history *history
	recent  *recent
	health  *health

	withdrawals *withdrawals
}

// Samples returns the points of the load chart, to be kept for the next process.
func (u *UI) Samples() []view.Sample {
	all, _ := u.history.samples()
	return all
}

// New makes the dashboard. Pages are served at once, live streams while Run runs.
func New(cfg Config) *UI {
	u := &UI{
		cfg: cfg, history: newHistory(cfg.Past.Samples), recent: newRecent(cfg.Log, cfg.Feed, cfg.Logger),
		health: &health{ready: cfg.Ready}, withdrawals: newWithdrawals(cfg.Withdrawals),
	}
	u.recent.withdrawals = u.withdrawals
	if cfg.Public != nil {
		u.base = strings.TrimSuffix(cfg.Public.Path, "/")
	}
	u.source = &source{ui: u, pages: map[string]cachedPage{}, kept: map[string]cachedLive{}}
	u.hub = live.New(live.Config{
		Source: u.source, Build: assets.Build, Valid: isTopic, Tick: cfg.Tick, MaxViewers: MaxViewers,
		Logger: cfg.Logger, Visitor: u.mark, Meter: cfg.Meter,
	})
	u.cross = u.protection()
	u.handler = u.cross.Handler(u.router())
	return u
}

// Run sends live updates until ctx ends, and then ends all streams.
func (u *UI) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(page.WithBase(ctx, u.base))
	defer cancel()
	followed := make(chan struct{})
	go func() { // ends with ctx; Run waits for it
		defer close(followed)
		u.recent.follow(ctx)
	}()
	err := u.hub.Run(ctx)
	cancel()
	<-followed
	return err
}

func (u *UI) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.handler.ServeHTTP(w, r) }

// protection refuses forms posted by pages of other sites. The outer guard checks Host and Origin. This check uses
// headers that the browser sets and no page can change, and still applies when the lists of the guard are extended.
func (u *UI) protection() *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	origins := slices.Clone(u.cfg.AllowedOrigins)
	if a := u.cfg.Public; a != nil {
		origins = append(origins, a.Scheme+"://"+a.Host)
	}
	for _, origin := range origins {
		if err := p.AddTrustedOrigin(origin); err != nil {
			u.cfg.Logger.Warn("an allowed origin is not valid", "origin", origin, "err", err)
		}
	}
	p.SetDenyHandler(http.HandlerFunc(u.foreign))
	return p
}

func (u *UI) foreign(w http.ResponseWriter, r *http.Request) {
	u.fail(w, r, swarm.Errorf(swarm.CodeOriginNotAllowed, "The form was posted by a page of another site."))
}

func (u *UI) unknown(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		u.cfg.Problem(w, r, swarm.Errorf(swarm.CodeMethodNotAllowed, r.Method+" is not a method of this path"))
		return
	}
	u.fail(w, r, swarm.Errorf(swarm.CodeNotFound, "There is no such page."))
}

// write renders a page completely before it answers, so that a failure does not produce half a page.
func (u *UI) write(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(page.WithBase(r.Context(), u.base), &b); err != nil {
		u.cfg.Problem(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	// With no-referrer, browsers send "Origin: null" along with the pages' own forms, and the guard would refuse them.
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(masked(b.Bytes())) // the client may have disconnected
}

// masked returns an answer without what looks like a token: pages repeat what a person has entered, and people paste
// tokens into the wrong field.
func masked(b []byte) []byte {
	if !bytes.Contains(b, []byte("swc_")) {
		return b
	}
	return []byte(swarm.MaskSecrets(string(b)))
}
