package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/api"
)

// BenchmarkSubmit measures POST /commands without drivers, log and network: guard, strict JSON, contract, answer.
func BenchmarkSubmit(b *testing.B) {
	const full = `{"submitter":"ci/nightly","command":{"type":"set_players","players":100},"deadline_ms":2000,"target":{"labels":{"region":"eu"}},"min_drivers":3}`
	for name, body := range map[string]string{"stop": stop, "full": full} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, nil)
			b.ReportAllocs()
			for b.Loop() {
				w.entries = w.entries[:0]
				r := httptest.NewRequest(http.MethodPost, "/commands", strings.NewReader(body))
				r.Host = "localhost"
				r.Header.Set("Content-Type", "application/json")
				rec := httptest.NewRecorder()
				if w.handler.ServeHTTP(rec, r); rec.Code != http.StatusCreated {
					b.Fatalf("%d %s", rec.Code, rec.Body)
				}
			}
		})
	}
}

// BenchmarkContract measures only the check of a request against the OpenAPI document.
func BenchmarkContract(b *testing.B) {
	const body = `{"submitter":"ci/nightly","command":{"type":"set_players","players":100},"deadline_ms":2000,"target":{"labels":{"region":"eu"}},"min_drivers":3}`
	valid, err := withContract(api.Spec, func(_ http.ResponseWriter, _ *http.Request, err error) { b.Error(err) })
	if err != nil {
		b.Fatal(err)
	}
	passed := 0
	h := valid(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ }))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/commands", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(nil, r)
	}
	if passed == 0 {
		b.Error("nothing passed")
	}
}
