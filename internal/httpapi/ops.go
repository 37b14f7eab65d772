package httpapi

import (
	"net/http"
	"net/http/pprof" // what it adds to the default router is served by nobody

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// NewOps returns the handler of the address for operators: metrics, health and profiles. It asks for no credential, so
// its only protection against strangers is the address; pages of other sites are refused as everywhere. Of cfg it needs
// Log, Ready, Version, Metrics, Logger, AllowedHosts, and Listen with the address it is served on.
func NewOps(cfg Config) http.Handler {
	p := &problems{logger: cfg.Logger, log: cfg.Log, base: baseOf(nil)}
	cfg.RefusedPage, cfg.AllowedOrigins = p.write, nil
	r := chi.NewRouter()
	r.Use(withWriteTimeout, withRequestID, withNote, withLog(cfg.Logger, unmetered{}, p.write), withSecurityHeaders,
		newGuard(cfg, p.write).wrap, middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, req *http.Request) {
		p.write(w, req, swarm.Errorf(swarm.CodeNotFound, "no such path; this address serves /metrics, /livez, /readyz, "+
			"/version and /debug/pprof/"))
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Allow", "GET, HEAD")
		p.write(w, req, swarm.Errorf(swarm.CodeMethodNotAllowed, req.Method+" is not allowed here; see Allow"))
	})
	operations := (&handlers{cfg}).generated(p.write)
	r.Method(http.MethodGet, "/metrics", cfg.Metrics)
	r.Get("/livez", operations.Livez)
	r.Get("/readyz", operations.Readyz)
	r.Get("/version", operations.Version)
	r.Get("/debug/pprof/*", pprof.Index) // each profile by its name
	r.Get("/debug/pprof/cmdline", pprof.Cmdline)
	r.Get("/debug/pprof/profile", pprof.Profile)
	r.Get("/debug/pprof/symbol", pprof.Symbol)
	r.Get("/debug/pprof/trace", pprof.Trace)
	return r
}
