package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

const publicAddress = "https://load.example.com/swarmcall"

func withPublic(c *web.Config) {
	c.Public, _ = url.Parse(publicAddress + "/")
}

var linkForm = regexp.MustCompile(`(?:href|action|src)="([^"]*)"`)

// TestEveryLinkHasTheBase requests every page that pages link to, below the path of a proxy. A link without that path
// would lead to another program on that host.
func TestEveryLinkHasTheBase(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries())
	server := serveLive(t, s, withPublic)
	todo, links := []string{
		"/",
		"/ui/stop",
		"/ui/nowhere",
		"/ui/commands/99",
		"/ui/commands?type=nothing",
		"/ui/drivers?q=nothing",
	}, 0
	for i := 0; i < len(todo); i++ {
		status, body := get(t, server.URL+todo[i])
		// the first only accepts forms; the second is a path of this test
		known := todo[i] == "/ui/theme" || todo[i] == "/ui/nowhere"
		if !known && status == http.StatusNotFound && strings.Contains(body, "There is no such page") {
			t.Errorf("a page links to %s, which is not in the table of pages", todo[i])
		}
		for _, m := range linkForm.FindAllStringSubmatch(body, -1) {
			to := strings.ReplaceAll(m[1], "&amp;", "&")
			if strings.HasPrefix(to, "#") {
				continue
			}
			links++
			path, ok := strings.CutPrefix(to, "/swarmcall/")
			if !ok {
				t.Errorf("%s links to %s", todo[i], to)
				continue
			}
			if path = "/" + path; !slices.Contains(todo, path) && (path == "/" || strings.HasPrefix(path, "/ui/")) &&
				!strings.HasPrefix(path, "/ui/assets/") {
				todo = append(todo, path)
			}
		}
		if strings.Contains(body, "127.0.0.1") {
			t.Errorf("%s names the address behind the proxy", todo[i])
		}
	}
	if len(todo) < 20 || links < 500 {
		t.Errorf("%d links on %d pages", links, len(todo))
	}
}

// TestCopiedCommandsGoToThePublicAddress: also if the visitor did not use the proxy.
func TestCopiedCommandsGoToThePublicAddress(t *testing.T) {
	server := serveLive(t, webtest.NewSwarm(webtest.Drivers(), webtest.Entries()), withPublic)
	for path, words := range map[string][]string{
		"/ui/commands/14": {"curl -s " + publicAddress + "/commands", "--url=" + publicAddress},
	} {
		_, body := get(t, server.URL+path)
		for _, want := range words {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not say %q", path, want)
			}
		}
	}
}

// TestLiveLinksHaveTheBase: patches are rendered separately from pages.
func TestLiveLinksHaveTheBase(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), nil)
	server := serveLive(t, s, withPublic)
	events := watch(t, server.URL, "topic=/&fresh=/", "")
	next(t, events, named("hello"))
	if _, err := s.Submit(t.Context(), submission(4321)); err != nil {
		t.Fatal(err)
	}
	e := next(t, events, contains("4,321 players each"))
	for _, m := range regexp.MustCompile(`(?:href|action|src)=\\"([^"]*)\\"`).FindAllStringSubmatch(e.data, -1) {
		if !strings.HasPrefix(m[1], "/swarmcall/") {
			t.Errorf("a patch links to %s", m[1])
		}
	}
}

// TestFormsBehindAProxy: with the Host rewritten, only the public address shows that the form is the dashboard's own.
func TestFormsBehindAProxy(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries())
	server := serveLive(t, s, withPublic)
	form := url.Values{"type": {"stop"}}
	if resp, body := post(
		t,
		server.URL+"/ui/commands",
		form,
		map[string]string{"Origin": "https://load.example.com"},
	); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := post(
		t,
		server.URL+"/ui/commands",
		form,
		map[string]string{"Origin": "https://evil.example"},
	); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site: %d", resp.StatusCode)
	}
	header := map[string]string{"Origin": "https://load.example.com", "Accept": "application/json"}
	if _, body := post(t, server.URL+"/ui/commands", form, header); !strings.Contains(
		body,
		`"/swarmcall/ui/commands/`,
	) {
		t.Errorf("the outcome links to %s", body)
	}
	resp, _ := post(
		t,
		server.URL+"/ui/theme",
		url.Values{"theme": {"dark"}, "back": {"/ui/drivers"}},
		map[string]string{"Origin": "https://load.example.com"},
	)
	if c := resp.Header.Get("Set-Cookie"); !strings.Contains(c, "Path=/swarmcall/;") || !strings.Contains(c, "Secure") {
		t.Errorf("the cookie is %q", c)
	}
	plain, _ := post(t, serve(t, s).URL+"/ui/theme", url.Values{"theme": {"dark"}}, nil)
	if c := plain.Header.Get("Set-Cookie"); !strings.Contains(c, "Path=/;") || strings.Contains(c, "Secure") {
		t.Errorf("without a public address the cookie is %q", c)
	}
}

// TestRefusedPageSaysWhatToDo: and shows nothing of the swarm, because anyone may see it.
func TestRefusedPageSaysWhatToDo(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries())
	ui := web.New(config(s))
	server := serveHandler(t, func(w http.ResponseWriter, r *http.Request) {
		ui.Refused(
			w,
			r,
			swarm.RefusedWithHints(
				swarm.CodeOriginNotAllowed, `pages of the origin "https://<b>" may not use this server`,
				swarm.Hint{When: "if it is yours", Flag: "--public-url https://<b>/"}),
		)
	})
	status, body := get(t, server)
	if status != http.StatusForbidden ||
		!strings.Contains(body, "If it is yours, start the server with <code>--public-url https://&lt;b&gt;/</code>") {
		t.Errorf("%d %s", status, body)
	}
	if strings.Contains(body, "d-1") || strings.Contains(body, "players") {
		t.Errorf("the page tells of the swarm: %s", body)
	}
}

// TestPageSaysThatItIsNotLive: until its script removes the notice. Without a working script the notice stays.
func TestPageSaysThatItIsNotLive(t *testing.T) {
	server := serve(t, webtest.NewSwarm(webtest.Drivers(), webtest.Entries()))
	for _, path := range []string{"/", "/ui/commands", "/ui/drivers", "/ui/drivers/d-1", "/ui/heatmap", "/ui/nodes",
		"/ui/about", "/ui/stop"} {
		if _, body := get(t, server.URL+path); !strings.Contains(body, `id="not-live"`) ||
			strings.Contains(body, "<noscript") {
			t.Errorf("%s does not say that it is not live", path)
		}
	}
	_, app := get(t, server.URL+assetOf(t, server.URL, "js/app.js"))
	if !strings.Contains(app, "getElementById('not-live')") {
		t.Error("the script leaves the words there")
	}
}

// TestModulesImportWhatThereIs: a single failed import would disable all scripts of the page.
func TestModulesImportWhatThereIs(t *testing.T) {
	server := serve(t, webtest.NewSwarm(nil, nil))
	todo := []string{assetOf(t, server.URL, "js/app.js")}
	for i := 0; i < len(todo); i++ {
		status, body := get(t, server.URL+todo[i])
		if status != http.StatusOK {
			t.Errorf("%s: %d", todo[i], status)
		}
		for _, m := range regexp.MustCompile(`['"]\./([a-z]+\.js)['"]`).FindAllStringSubmatch(body, -1) {
			if path := todo[0][:strings.LastIndex(todo[0], "/")+1] + m[1]; !slices.Contains(todo, path) {
				todo = append(todo, path)
			}
		}
		if i > 0 && regexp.MustCompile(`(?:fetch|EventSource)\(['"]/`).MatchString(body) {
			t.Errorf("%s asks for a path without the base", todo[i])
		}
	}
	if len(todo) < 10 {
		t.Errorf("only %d modules", len(todo))
	}
}

func assetOf(t *testing.T, at, name string) string {
	t.Helper()
	_, body := get(t, at)
	for _, m := range linkForm.FindAllStringSubmatch(body, -1) {
		if strings.HasSuffix(m[1], name) {
			return m[1]
		}
	}
	t.Fatalf("no page has %s", name)
	return ""
}
