package main

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTraceHeaders(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, c := range []struct {
		name string
		env  map[string]string
		want http.Header
	}{
		{"none", nil, http.Header{}},
		{"a trace", map[string]string{"TRACEPARENT": parent}, http.Header{"Traceparent": {parent}}},
		{"with state", map[string]string{"TRACEPARENT": parent, "TRACESTATE": "a=1"},
			http.Header{"Traceparent": {parent}, "Tracestate": {"a=1"}}},
		{"invalid", map[string]string{"TRACEPARENT": parent + "\r\nX: y", "TRACESTATE": "a=1"}, http.Header{}},
		{"state alone", map[string]string{"TRACESTATE": "a=1"}, http.Header{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, traceHeaders(func(name string) string { return c.env[name] })); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
