package metrics

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requestDurations are the bounds of the histogram of requests, in seconds.
var requestDurations = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// methods are counted by name; a client may send any other.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodOptions}

// Requests measures HTTP requests.
type Requests struct{ took *prometheus.HistogramVec }

func newRequests(b *book) *Requests {
	return &Requests{b.histograms("swarmcall_http_request_duration_seconds",
		"Time of HTTP requests. The route is its pattern, or other for a path that is not served. A stream counts when it "+
			"ends.", requestDurations, "method", "route", "status")}
}

// Answered measures a request. The route is a pattern of the router, "" for none.
func (r *Requests) Answered(method, route string, status int, took time.Duration) {
	if !slices.Contains(methods, method) {
		method = other
	}
	if route == "" {
		route = other
	}
	r.took.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}
