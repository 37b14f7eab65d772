package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/swarmcall/swarmcall/api"
)

// filled are values for the parameters of patterns.
var filled = strings.NewReplacer("{seq}", "2", "{driver_id}", "d-1")

// served returns the methods of each path in the table of routes, sorted. Paths below /ui/ are left to the dashboard.
func served() map[string][]string {
	out := map[string][]string{}
	for _, row := range routes {
		if strings.HasPrefix(row.pattern, "/ui/") {
			continue
		}
		path := filled.Replace(row.pattern)
		if row.method == http.MethodGet {
			out[path] = append(out[path], http.MethodHead)
		}
		out[path] = append(out[path], row.method)
		slices.Sort(out[path])
	}
	return out
}

func paths() []string { return slices.Sorted(maps.Keys(served())) }

// TestRoutesAreTheContracts: each operation of the OpenAPI document has a row in the table, and the only other rows are
// the dashboard's.
func TestRoutesAreTheContracts(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{} // the pages are no part of the contract
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			want[method+" "+path] = true
		}
	}
	for _, row := range routes {
		if isPage(row.pattern) {
			continue
		}
		at := row.method + " " + row.pattern
		if !want[at] {
			t.Errorf("%q is in the table twice, or not in the contract", at)
		}
		delete(want, at)
	}
	for at := range want {
		t.Errorf("%q is in the contract and not in the table", at)
	}
}

// TestEveryRouteWithEveryMethod: the rows of the table are served, and nothing else.
func TestEveryRouteWithEveryMethod(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Ready = ready(true) })
	w.do(t, "POST", "/commands", stop) // its seq is 2
	for path, methods := range served() {
		for _, method := range []string{
			"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW",
		} {
			a := w.do(t, method, path, "")
			if slices.Contains(methods, method) {
				if a.StatusCode == http.StatusNotFound || a.StatusCode == http.StatusMethodNotAllowed {
					t.Errorf("%s %s is in the table, and answers %d", method, path, a.StatusCode)
				}
				continue
			}
			a.refused(t, http.StatusMethodNotAllowed, "method_not_allowed")
			if got, want := a.Header.Get("Allow"), strings.Join(methods, ", "); got != want {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, got, want)
			}
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/comands", "/commands/", "/commands/2/acks", "//commands", "/Commands", "/drivers/",
		"/drivers/d-1/x", "/../commands", "/index.html", "/ui"} {
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
	for _, path := range paths() {
		get, head := w.do(t, "GET", path, ""), w.do(t, "HEAD", path, "")
		if get.StatusCode != head.StatusCode || get.Header.Get("Content-Type") != head.Header.Get("Content-Type") {
			t.Errorf("%s: GET answers %d %q, HEAD %d %q", path, get.StatusCode, get.Header.Get("Content-Type"),
				head.StatusCode, head.Header.Get("Content-Type"))
		}
		if want := http.StatusOK; path != "/drivers/connect" && get.StatusCode != want { // that one is a WebSocket
			t.Errorf("GET %s: %d, want %d", path, get.StatusCode, want)
		}
	}
	if a := w.do(t, "HEAD", "/commands?limmit=1", ""); a.StatusCode != http.StatusBadRequest {
		t.Errorf("HEAD with a wrong query: %d, want 400", a.StatusCode)
	}
}

// TestSecurityIsTheTables: the OpenAPI document names the need of each route.
func TestSecurityIsTheTables(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range routes {
		if row.needs == (need{}) {
			t.Errorf("%s %s needs what nobody has", row.method, row.pattern)
		}
		if isPage(row.pattern) {
			continue
		}
		security := &doc.Security
		if own := doc.Paths.Value(row.pattern).GetOperation(row.method).Security; own != nil {
			security = own
		}
		scopes := []string{}
		if row.needs.role != "" {
			scopes = append(scopes, string(row.needs.role))
		}
		want := openapi3.SecurityRequirements{{"bearer": scopes}, {"session": scopes}}
		if row.needs.open {
			want = openapi3.SecurityRequirements{}
		}
		if got := fmt.Sprint(*security); got != fmt.Sprint(want) {
			t.Errorf("%s %s: security is %s, the table says %s", row.method, row.pattern, got, fmt.Sprint(want))
		}
	}
}
