package httpapi

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// New returns the server's only handler. The error is about api/openapi.yaml, which is part of the program.
func New(cfg Config) (http.Handler, error) {
	at := baseOf(cfg.PublicURL)
	p := &problems{logger: cfg.Logger, log: cfg.Log, base: at}
	valid, err := withContract(api.Spec, p.write)
	if err != nil {
		return nil, err
	}
	if cfg.Meter == nil {
		cfg.Meter = unmetered{}
	}
	r := chi.NewRouter()
	r.Use(withWriteTimeout, withBodyTimeout, withRequestID, proxies(cfg.TrustedProxies).wrap, withNote,
		withLog(cfg.Logger, cfg.Meter, p.write), withAudit(cfg.Audit), withSecurityHeaders, withoutSecrets(p.write),
		newGuard(cfg, p.write).wrap, cors(cfg.AllowedOrigins).wrap, middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, req *http.Request) {
		p.write(w, req, swarm.Errorf(swarm.CodeNotFound, "no such path; GET /openapi.yaml lists all paths"))
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		methods := allowed(r, req.URL.Path)
		if len(methods) == 0 { // chi checks the method first: an unknown one gets here on any path
			r.NotFoundHandler()(w, req)
			return
		}
		w.Header().Set("Allow", strings.Join(methods, ", "))
		p.write(w, req, swarm.Errorf(swarm.CodeMethodNotAllowed, req.Method+" is not allowed on this path; see Allow"))
	})
	a, g := newAnswers(cfg, p.write), gate{
		access: cfg.Access, origins: cfg.AllowedOrigins, refuse: p.write, refusePage: cfg.AccessRefused,
		streams: &places{most: int64(cfg.Limits.MaxStreams)},
	}
	for _, row := range routes {
		handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { row.handler(a, w, r) }))
		if row.checked {
			handler = withStrictBody(p.write)(valid(handler))
		}
		r.Method(row.method, row.pattern, g.wrap(row.needs, handler))
	}
	return at.wrap(r), nil
}

// handlers implements the generated server interface. Every error it returns ends in problems.write.
type handlers struct{ Config }

var _ api.StrictServerInterface = (*handlers)(nil)

// badRequest handles what the generated code cannot decode. The request was checked against the OpenAPI document
// before, so this is only a second line of defence.
func badRequest(
	refuse func(http.ResponseWriter, *http.Request, error),
) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		refuse(w, r, &swarm.Error{
			Code: swarm.CodeBadRequest, Detail: "the request does not match GET /openapi.yaml", Cause: err,
		})
	}
}

// allowed lists the methods of a path, for the Allow header.
func allowed(r chi.Routes, path string) []string {
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete} {
		if match := m; r.Match(chi.NewRouteContext(), match, path) || (m == http.MethodHead && len(methods) == 1) {
			methods = append(methods, m)
		}
	}
	return methods
}
