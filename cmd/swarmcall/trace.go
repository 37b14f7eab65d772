package main

import (
	"net/http"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// traceHeaders continues the trace of the environment, which CI systems set: the variables TRACEPARENT and TRACESTATE
// have the values of these headers. An invalid TRACEPARENT is ignored, as the server would ignore it.
func traceHeaders(env func(string) string) http.Header {
	t := swarm.TraceOf([]string{env("TRACEPARENT")}, []string{env("TRACESTATE")})
	header := http.Header{}
	if t.Parent != "" {
		header.Set("Traceparent", t.Parent)
	}
	if t.State != "" {
		header.Set("Tracestate", t.State)
	}
	return header
}
