package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/swarmcall/swarmcall/api"
)

// TestRoutesAreTheContracts keeps the list that other tests go through complete.
func TestRoutesAreTheContracts(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"/": "GET, HEAD"} // the pages are no part of the contract
	for path, item := range doc.Paths.Map() {
		path = strings.NewReplacer("{seq}", "2", "{driver_id}", "d-1").Replace(path)
		methods := []string{}
		for method := range item.Operations() {
			methods = append(methods, method)
		}
		if item.Get != nil {
			methods = append(methods, http.MethodHead)
		}
		slices.Sort(methods)
		want[path] = strings.Join(methods, ", ")
	}
	for _, r := range routes {
		if want[r.path] != r.allow {
			t.Errorf("%s allows %q, in the contract %q", r.path, r.allow, want[r.path])
		}
		delete(want, r.path)
	}
	for path := range want {
		t.Errorf("%s is in the contract, but not in the tests' list of routes", path)
	}
}

func TestMethodNotAllowed(t *testing.T) {
	w := newWorld(t, nil)
	for _, r := range routes {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"} {
			if strings.Contains(r.allow, method) {
				continue
			}
			a := w.do(t, method, r.path, "")
			a.refused(t, http.StatusMethodNotAllowed, "method_not_allowed")
			if got := a.Header.Get("Allow"); got != r.allow {
				t.Errorf("%s %s: Allow is %q, want %q", method, r.path, got, r.allow)
			}
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/comands", "/commands/", "/commands/2/acks", "//commands", "/Commands", "/drivers/", "/drivers/d-1/x", "/../commands", "/index.html", "/ui"} {
		for _, method := range []string{"GET", "POST", "DELETE", "BREW"} {
			a := w.do(t, method, path, "")
			a.refused(t, http.StatusNotFound, "not_found")
			if got := a.Header.Get("Allow"); got != "" {
				t.Errorf("%s %s: Allow is %q on a path that is not there", method, path, got)
			}
		}
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Ready = ready(true) })
	w.do(t, "POST", "/commands", stop)
	for _, r := range routes {
		get, head := w.do(t, "GET", r.path, ""), w.do(t, "HEAD", r.path, "")
		if get.StatusCode != head.StatusCode || get.Header.Get("Content-Type") != head.Header.Get("Content-Type") {
			t.Errorf("%s: GET answers %d %q, HEAD %d %q", r.path, get.StatusCode, get.Header.Get("Content-Type"),
				head.StatusCode, head.Header.Get("Content-Type"))
		}
		if want := http.StatusOK; r.json && get.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", r.path, get.StatusCode, want)
		}
	}
	if a := w.do(t, "HEAD", "/commands?limmit=1", ""); a.StatusCode != http.StatusBadRequest {
		t.Errorf("HEAD with a wrong query: %d, want 400", a.StatusCode)
	}
}
