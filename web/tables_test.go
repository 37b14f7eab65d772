package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// filled are values for the parameters of patterns.
var filled = strings.NewReplacer("{seq}", "14", "{id}", "d-1")

// served returns the methods of each path in the table of routes.
func served() map[string][]string {
	out := map[string][]string{}
	for _, row := range web.Routes() {
		method, path := row.Row()
		if strings.HasPrefix(path, "/ui/assets/") {
			path += "icon.svg"
		}
		path = filled.Replace(path)
		out[path] = append(out[path], method)
		if method == http.MethodGet {
			out[path] = append(out[path], http.MethodHead)
		}
	}
	return out
}

// TestEveryRouteWithEveryMethod: the rows of the table are served, and nothing else.
func TestEveryRouteWithEveryMethod(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries())
	ui := web.New(config(s))
	for path, methods := range served() {
		for _, method := range []string{
			"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
		} {
			w, form := httptest.NewRecorder(), strings.NewReader(url.Values{"type": {"stop"}}.Encode())
			r := httptest.NewRequestWithContext(t.Context(), method, path, form)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			anyone(ui).ServeHTTP(w, r)
			refused := w.Code == http.StatusNotFound || w.Code == http.StatusMethodNotAllowed
			if refused == slices.Contains(methods, method) {
				t.Errorf("%s %s answers %d; the table has %v", method, path, w.Code, methods)
			}
		}
	}
	if n := len(s.Submissions()); n != 1 {
		t.Errorf("%d commands were submitted", n)
	}
}

// TestEveryPageHasItsPath: the navigation, the list of shortcuts and the live stream agree with the table.
func TestEveryPageHasItsPath(t *testing.T) {
	_, server := full(t)
	for _, row := range web.Pages() {
		path, title, key := row.Row()
		path = filled.Replace(path)
		status, body := get(t, server.URL+path)
		if status != http.StatusOK || !strings.Contains(body, "<title>"+title) {
			t.Errorf("%s: status %d", path, status)
		}
		if !strings.Contains(body, `data-topic="`+path+`"`) {
			t.Errorf("%s is not live", path)
		}
		if status, err := head(t, server.URL+"/ui/stream?topic="+path); err != nil || status != http.StatusOK {
			t.Errorf("%s as a topic: %d %v", path, status, err)
		}
		if key == "" {
			continue
		}
		tab := `<a href="` + path + `" data-go="` + key + `" aria-current>` + title + `</a>`
		if !strings.Contains(body, tab) {
			t.Errorf("%s: the navigation has no %s", path, tab)
		}
		if help := `<kbd>g</kbd><kbd>` + key + `</kbd></dt><dd>` + title + `</dd>`; !strings.Contains(
			strings.ReplaceAll(body, "> <", "><"), help) {
			t.Errorf("%s: the shortcuts have no %s", path, help)
		}
	}
}

// TestShortcutsAreThoseOfTheScript: the script does what the list says, and nothing else.
func TestShortcutsAreThoseOfTheScript(t *testing.T) {
	_, server := full(t)
	_, body := get(t, server.URL+"/")
	help := body[strings.Index(body, `<dl class="keys">`):]
	listed := matches(`<kbd>([^<]+)</kbd>`, help[:strings.Index(help, "</dl>")])
	others := []string{"Enter", "Esc"} // keys that browsers handle
	for _, row := range web.Pages() {
		_, _, key := row.Row()
		others = append(others, key) // a link that the script finds by its key
	}
	listed = slices.DeleteFunc(listed, func(key string) bool { return slices.Contains(others, key) })
	_, script := get(t, server.URL+strings.Replace(assetOf(t, server.URL, "js/app.js"), "app.js", "keys.js", 1))
	does := script[strings.Index(script, "const does = {"):]
	bound := matches(`(?m)^    '?([^ ':]+)'?:`, does[:strings.Index(does, "};")])
	if len(bound) < 5 || !slices.Equal(listed, bound) {
		t.Errorf("the list has %v, the script %v", listed, bound)
	}
}

// matches returns the first groups of all matches, sorted and without duplicates.
func matches(form, in string) (out []string) {
	for _, m := range regexp.MustCompile(form).FindAllStringSubmatch(in, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}
