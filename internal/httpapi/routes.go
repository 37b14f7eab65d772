package httpapi

import (
	"net/http"

	"github.com/swarmcall/swarmcall/api"
)

// route is one row of the table of routes.
type route struct {
	method  string
	pattern string // as chi reads it
	needs   need   // what a request must bring
	checked bool   // a request is checked against the OpenAPI document before it reaches the handler
	handler func(*answers, http.ResponseWriter, *http.Request)
}

// routes is the table of routes: the router is built from it, and the tests iterate over it. A path that is not in it
// is not served. A row with GET answers HEAD too. The generated router is not used: a route of the OpenAPI document
// without a row here fails a test, as does a row without a need.
var routes = []route{
	{http.MethodGet, "/commands", viewer, true, (*answers).ListCommands},
	{http.MethodPost, "/commands", stopper, true, (*answers).SubmitCommand}, // admission decides by the type
	{http.MethodGet, "/commands/stream", viewer.whileItLasts(), true, (*answers).stream},
	{http.MethodGet, "/commands/export", viewer.whileItLasts(), true, (*answers).export},
	{http.MethodGet, "/commands/{seq}", viewer, true, (*answers).GetCommand},
	{http.MethodGet, "/drivers", viewer, true, (*answers).ListDrivers},
	{http.MethodGet, "/drivers/{driver_id}", viewer, true, (*answers).GetDriver},
	{http.MethodGet, "/drivers/connect", driver, false, (*answers).connect},
	{http.MethodGet, "/state", viewer, true, (*answers).GetState},
	{http.MethodGet, "/nodes", viewer, true, (*answers).ListNodes},
	{http.MethodGet, "/whoami", anybody, true, (*answers).Whoami},
	{http.MethodGet, "/limits", viewer, true, (*answers).GetLimits},
	{http.MethodGet, "/audit", admin, true, (*answers).ListAudit},
	{http.MethodGet, "/metrics", viewer, false, (*answers).metrics},
	{http.MethodGet, "/livez", nothing, true, (*answers).Livez},
	{http.MethodGet, "/readyz", nothing, true, (*answers).Readyz},
	{http.MethodGet, "/version", nothing, true, (*answers).Version},
	{http.MethodGet, "/openapi.yaml", viewer, false, (*answers).spec},
	{http.MethodGet, "/", viewer, false, (*answers).pages},
	{http.MethodGet, "/ui/*", viewer, false, (*answers).pages},
	{http.MethodGet, "/ui/stream", viewer.whileItLasts(), false, (*answers).pages},
	{http.MethodGet, "/ui/assets/*", nothing, false, (*answers).pages},
	{http.MethodGet, "/ui/login", nothing, false, (*answers).pages},
	{http.MethodPost, "/ui/login", nothing, false, (*answers).pages},
	{http.MethodPost, "/ui/logout", nothing, false, (*answers).pages},
	{http.MethodPost, "/ui/theme", nothing, false, (*answers).pages},
	{http.MethodPost, "/ui/commands", stopper, false, (*answers).pages}, // admission decides by the type
}

// Route is one row of the table of routes, for tests and documents.
type Route struct{ Method, Pattern, Needs string }

// Routes returns the table of routes.
func Routes() (out []Route) {
	for _, row := range routes {
		out = append(out, Route{row.method, row.pattern, row.needs.String()})
	}
	return out
}

// answers has the handlers of all routes. Those of the generated server interface decode a request and call the method
// of the same name of handlers.
type answers struct {
	*api.ServerInterfaceWrapper
	own       *handlers
	refuse    func(http.ResponseWriter, *http.Request, error)
	document  []byte // the OpenAPI document
	socket    http.Handler
	dashboard http.Handler
}

func newAnswers(cfg Config, refuse func(http.ResponseWriter, *http.Request, error)) *answers {
	own := &handlers{cfg}
	return &answers{
		ServerInterfaceWrapper: own.generated(refuse),
		own:                    own, refuse: refuse, document: specFor(api.Spec, cfg.PublicURL),
		socket: cfg.DriverSocket(refuse), dashboard: cfg.Pages(refuse),
	}
}

// generated returns the handlers of the generated server interface.
func (h *handlers) generated(refuse func(http.ResponseWriter, *http.Request, error)) *api.ServerInterfaceWrapper {
	strict := api.NewStrictHandlerWithOptions(h, nil, api.StrictHTTPServerOptions{
		RequestErrorHandlerFunc: badRequest(refuse), ResponseErrorHandlerFunc: refuse,
	})
	return &api.ServerInterfaceWrapper{Handler: strict, ErrorHandlerFunc: badRequest(refuse)}
}

func (a *answers) stream(w http.ResponseWriter, r *http.Request) { a.fail(w, r, a.own.stream(w, r)) }
func (a *answers) export(w http.ResponseWriter, r *http.Request) { a.fail(w, r, a.own.export(w, r)) }

// fail answers a request that failed before anything was sent; it does nothing without an error.
func (a *answers) fail(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		a.refuse(w, r, err)
	}
}

func (a *answers) metrics(w http.ResponseWriter, r *http.Request) { a.own.Metrics.ServeHTTP(w, r) }
func (a *answers) connect(w http.ResponseWriter, r *http.Request) { a.socket.ServeHTTP(w, r) }
func (a *answers) pages(w http.ResponseWriter, r *http.Request)   { a.dashboard.ServeHTTP(w, r) }

func (a *answers) spec(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(a.document) // the client may have disconnected
}
