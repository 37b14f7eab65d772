package proxy

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/server/app"
)

// TestBehindProxies does what people and programs do, through each proxy and in each way to set it up.
func TestBehindProxies(t *testing.T) {
	for program := range programs {
		for _, v := range variants() {
			t.Run(program+"/"+v.name, func(t *testing.T) {
				w := behind(t, program, v, nil)
				w.drive("d-1", w.at, w.client)
				w.remoteAddress(v.trusted)
				w.api()
				w.streams()
				w.pages()
				w.forms()
				w.dashboard()
			})
		}
	}
}

// remoteAddress checks that the server shows the driver's own address if the proxy is trusted, and otherwise the
// proxy's.
func (w *world) remoteAddress(trusted bool) {
	w.t.Helper()
	var d struct {
		RemoteAddr string `json:"remote_addr"`
	}
	if err := json.Unmarshal([]byte(w.do(http.MethodGet, w.at+"/drivers/d-1", "").body), &d); err != nil {
		w.t.Fatal(err)
	}
	if own := strings.HasPrefix(d.RemoteAddr, "127.0.0.2"); own != trusted {
		w.t.Errorf("the driver's address is %s", d.RemoteAddr)
	}
}

// api follows the links in answers.
func (w *world) api() {
	w.t.Helper()
	w.command(setPlayers)
	w.command(setPlayers)
	a := w.do(http.MethodPost, w.at+"/commands", setPlayers)
	if entry := w.do(http.MethodGet, w.resolve(a.header.Get("Location")), ""); entry.status != http.StatusOK ||
		!strings.Contains(entry.body, `"status":"complete"`) {
		w.t.Errorf("Location %q: %d %s", a.header.Get("Location"), entry.status, entry.body)
	}
	link := w.do(http.MethodGet, w.at+"/commands?limit=1", "").header.Get("Link")
	next, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if a := w.do(http.MethodGet, w.resolve(next), ""); a.status != http.StatusOK {
		w.t.Errorf("Link %q: %d %s", link, a.status, a.body)
	}
	if spec := w.do(http.MethodGet, w.at+"/openapi.yaml", "").body; !strings.Contains(spec, "url: "+w.at+"\n") {
		w.t.Error("the contract does not name the public address")
	}
	if a := w.do(http.MethodGet, w.at+"/state", "", "Origin: https://evil.example"); a.status != http.StatusForbidden {
		w.t.Errorf("a page of another origin: %d %s", a.status, a.body)
	}
}

// streams checks that the proxy does not hold events back.
func (w *world) streams() {
	w.t.Helper()
	w.stream(w.at+"/commands/stream", "event: closed", func() { w.command(setPlayers) })
	w.stream(w.at+"/ui/stream?topic=/&fresh=/", "event: patch", func() {})
}

var linkForm = regexp.MustCompile(`(?:href|action|src)="(/[^"]*)"`)

// pages checks that the links of pages work through the proxy. They are fetched with an Origin, as scripts are.
func (w *world) pages() {
	w.t.Helper()
	for _, path := range []string{"/", "/ui/commands", "/ui/drivers/d-1", "/ui/about", "/ui//commands"} {
		page := w.do(http.MethodGet, w.at+path, "")
		if page.status == http.StatusMovedPermanently || page.status == http.StatusTemporaryRedirect {
			page = w.do(http.MethodGet, w.resolve(page.header.Get("Location")), "")
		}
		links := linkForm.FindAllStringSubmatch(page.body, -1)
		if page.status != http.StatusOK || len(links) < 10 {
			w.t.Errorf("%s: %d with %d links", path, page.status, len(links))
		}
		for _, m := range links {
			to := w.resolve(strings.ReplaceAll(m[1], "&amp;", "&"))
			if a := w.do(http.MethodGet, to, "", "Origin: "+w.origin); a.status != http.StatusOK &&
				!strings.HasSuffix(to, "/ui/theme") {
				w.t.Errorf("%s links to %s: %d", path, to, a.status)
			}
		}
	}
}

// forms sends the forms of a browser without scripts.
func (w *world) forms() {
	w.t.Helper()
	form := []string{
		"Content-Type: application/x-www-form-urlencoded",
		"Accept: text/html",
		"Origin: " + w.origin,
		"Sec-Fetch-Site: same-origin",
	}
	a := w.do(http.MethodPost, w.at+"/ui/commands", "type=stop", form...)
	page := w.do(http.MethodGet, w.resolve(a.header.Get("Location")), "")
	if a.status != http.StatusSeeOther || page.status != http.StatusOK || !strings.Contains(page.body, "--url="+w.at) {
		w.t.Errorf("Stop: %d %s, then %d", a.status, a.header.Get("Location"), page.status)
	}
	a = w.do(http.MethodPost, w.at+"/ui/theme", "theme=dark&back=/ui/drivers", form...)
	cookie := a.header.Get("Set-Cookie")
	if to := w.resolve(a.header.Get("Location")); to != w.at+"/ui/drivers" || !strings.Contains(cookie, "Secure") ||
		!strings.Contains(cookie, "Path="+strings.TrimPrefix(w.at, w.origin)+"/;") {
		w.t.Errorf("theme: to %s with %s", to, cookie)
	}
	form[2], form[3] = "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"
	if a := w.do(
		http.MethodPost,
		w.at+"/ui/commands",
		"type=stop",
		form...); a.status != http.StatusForbidden ||
		strings.HasPrefix(a.body, "{") {
		w.t.Errorf("a form of another site: %d %s", a.status, a.body)
	}
}

// TestWithoutPublicURL: the dashboard can be read, and a form that is refused says which flag is missing, and the
// value.
func TestWithoutPublicURL(t *testing.T) {
	for program := range programs {
		t.Run(program, func(t *testing.T) {
			w := behind(t, program, variants()[0], func(cfg *app.Config) {
				cfg.PublicURL, cfg.TrustedProxies, cfg.AllowedHosts = "", nil, []string{name}
			})
			w.drive("d-1", w.at, w.client)
			flag := "--public-url " + w.origin + "/"
			a := w.do(
				http.MethodPost,
				w.at+"/ui/commands",
				"type=stop",
				"Content-Type: application/x-www-form-urlencoded",
				"Accept: text/html",
				"Origin: "+w.origin,
			)
			if a.status != http.StatusForbidden || !strings.Contains(a.body, "<h1>Refused</h1>") ||
				!strings.Contains(a.body, flag) {
				t.Errorf("%d %s", a.status, a.body)
			}
			w.refusedStop(flag)
			if n := strings.Count(w.log.String(), "refused a request from a page of another origin"); n != 1 {
				t.Errorf("%d warnings in the log", n)
			}
		})
	}
}

// TestUnknownName: if a proxy forwards a Host that the server does not know, the answer and the log name it.
func TestUnknownName(t *testing.T) {
	w := behind(t, "nginx", variants()[0], func(cfg *app.Config) { cfg.PublicURL, cfg.TrustedProxies = "", nil })
	a := w.do(http.MethodGet, w.at+"/state", "")
	if a.status != http.StatusForbidden || !strings.Contains(a.body, "--allowed-hosts "+name) ||
		!strings.Contains(w.log.String(), "host="+name) {
		t.Errorf("%d %s\n%s", a.status, a.body, w.log.String())
	}
}
