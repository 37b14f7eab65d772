package web_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// TestNobodyIsServedNothing: a request without a principal in its context is refused by the dashboard itself, even if
// the router forgets to.
func TestNobodyIsServedNothing(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries())
	cfg := config(s)
	cfg.Access, cfg.SessionCookie = webtest.NewAccess(nil), webtest.SessionCookie
	ui := web.New(cfg)
	for path, methods := range served() {
		for _, method := range append(methods, http.MethodPut) {
			for _, accept := range []string{"text/html", "application/json", "text/event-stream"} {
				w, form := httptest.NewRecorder(), strings.NewReader(url.Values{"type": {"stop"}}.Encode())
				r := httptest.NewRequestWithContext(t.Context(), method, path, form)
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Accept", accept)
				ui.ServeHTTP(w, r)
				open := path == "/ui/login" || path == "/ui/logout" || path == "/ui/theme" ||
					strings.HasPrefix(path, "/ui/assets/")
				if to := w.Header().Get("Location"); !open && w.Code != http.StatusUnauthorized &&
					!strings.HasPrefix(to, "/ui/login?") {
					t.Errorf("%s %s as %s: %d to %q", method, path, accept, w.Code, to)
				}
				if !strings.HasPrefix(path, "/ui/assets/") && w.Code != http.StatusSeeOther {
					silent(t, method+" "+path, w.Body.String())
				}
			}
		}
	}
	if n := len(s.Submissions()); n != 0 {
		t.Errorf("%d commands were submitted", n)
	}
}

// TestWhoMaySeeAndSend requests pages and sends forms as everybody.
func TestWhoMaySeeAndSend(t *testing.T) {
	stop, load := url.Values{"type": {"stop"}}, url.Values{"type": {"set_players"}, "players": {"5"}}
	for name, want := range map[string]struct{ page, stop, load int }{
		"": {303, 401, 401}, "drivers": {403, 403, 403}, "wall": {200, 403, 403}, "on-call": {200, 303, 403},
		"alice": {200, 303, 303}, "root": {200, 303, 303}, "ci-eu": {200, 403, 403},
	} {
		s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries())
		access, server := signed(t, s, nil)
		header := cookieOf(t, access, name)
		for _, path := range []string{"/", "/ui/commands/14", "/ui/nowhere"} {
			a, body := getAs(t, server.URL+path, header)
			if a.StatusCode != want.page && (path != "/ui/nowhere" || a.StatusCode != http.StatusNotFound) {
				t.Errorf("%q, %s: %d", name, path, a.StatusCode)
			}
			if want.page != http.StatusOK {
				silent(t, name, body)
			}
		}
		for _, form := range []url.Values{stop, load} {
			status := want.stop
			if form.Get("type") != "stop" {
				status = want.load
			}
			a, body := postAs(t, server.URL+"/ui/commands", form, header)
			if a.StatusCode != status {
				t.Errorf("%q sends %v: %d, want %d\n%s", name, form, a.StatusCode, status, body)
			}
			header["Accept"] = "application/json"
			a, body = post(t, server.URL+"/ui/commands", form, header)
			delete(header, "Accept")
			var got struct {
				OK         bool
				Says, Tone string
			}
			err := json.Unmarshal([]byte(body), &got)
			if ok := status == http.StatusSeeOther; err != nil || got.OK != ok || got.Says == "" ||
				!ok && (a.StatusCode != status || got.Tone != "bad") {
				t.Errorf("%q sends %v by script: %d %s, %v", name, form, a.StatusCode, body, err)
			}
		}
		for _, sub := range s.Submissions() {
			if sub.Submitter != name {
				t.Errorf("%s sent as %s", name, sub.Submitter)
			}
		}
	}
}

// control returns the tag of the first element that has some text or attribute, from its start.
func control(t *testing.T, body, form string) string {
	t.Helper()
	m := regexp.MustCompile(form).FindString(body)
	if m == "" {
		t.Errorf("there is no %s", form)
	}
	return m
}

// TestControlsSayWhyTheyAreDisabled: they are shown, disabled, with the reason.
func TestControlsSayWhyTheyAreDisabled(t *testing.T) {
	drivers := webtest.Drivers()
	s := webtest.NewSwarm(drivers, webtest.Entries()[1:])
	access, server := signed(t, s, nil)
	for name, want := range map[string]struct{ load, stop, retry string }{
		"wall": {"wall has the role viewer; this needs the role controller.",
			"wall has the role viewer; this needs the role stopper.",
			"wall has the role viewer; this needs the role controller."},
		"on-call": {"on-call has the role stopper; this needs the role controller.", "",
			"on-call has the role stopper; this needs the role controller."},
		"alice": {"", "", ""},
		"ci-eu": {"", "", "The target must have the labels of your scope: region=eu."},
		"ci-us": {"This driver is outside the scope of ci-us: it does not have the labels region=us.",
			"This driver is outside the scope of ci-us: it does not have the labels region=us.",
			"The target must have the labels of your scope: region=us."},
	} {
		header := cookieOf(t, access, name)
		_, page := getAs(t, server.URL+"/ui/drivers/d-1", header)
		says := func(what, tag, reason string) {
			t.Helper()
			if strings.Contains(tag, " disabled") != (reason != "") || !strings.Contains(page, "<bdi>"+reason+"</bdi>") &&
				reason != "" {
				t.Errorf("%s, %s: %s, and the reason should be %q", name, what, tag, reason)
			}
		}
		says("load", control(t, page, `<fieldset class="rights"[^>]*>`), want.load)
		says("stop", control(t, page, `<button class="button stop"[^>]*>Stop this driver`), want.stop)
		global := want.stop
		if name == "ci-us" {
			global = ""
		}
		says("stop of all", control(t, page, `<button class="button stop"[^>]*autofocus[^>]*>Stop (all|the) drivers`),
			global)
		if open := control(t, page, `<(a|button)[^>]*id="stop-open"[^>]*>`); strings.Contains(open, " disabled") !=
			(global != "") {
			t.Errorf("%s: %s", name, open)
		}
		_, page = getAs(t, server.URL+"/ui/commands/14", header)
		says("retry", control(t, page, `<fieldset class="rights"[^>]*>`), want.retry)
		if !strings.Contains(page, `name="retry" value="14"`) {
			t.Errorf("%s: the retry is hidden", name)
		}
	}
}

// TestScopeOfForms: they carry the labels of the scope, also a Stop, and cannot leave it.
func TestScopeOfForms(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries()[1:])
	access, server := signed(t, s, nil)
	header := cookieOf(t, access, "ci-eu")
	_, page := getAs(t, server.URL+"/", header)
	for _, want := range []string{
		`name="scope" value="region=eu" form="act-set_players"`, `<form id="act-set_players"`,
		"Stop the drivers with <bdi>region=eu</bdi>?", `id="stop-scope"`, `data-also="/ui/stop?label=region%3Deu"`,
		"these forms command only drivers with <strong><bdi>region=eu</bdi></strong>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the overview has no %s", want)
		}
	}
	if strings.Contains(page, `id="stop-what"`) {
		t.Error("the Stop dialog speaks of every driver")
	}
	fixed := []string{"region=eu"}
	for name, tc := range map[string]struct {
		form   url.Values
		status int
		says   string
		labels map[string]string
	}{
		"fixed": {url.Values{"type": {"stop"}, "scope": fixed}, 303, "", map[string]string{"region": "eu"}},
		"and more": {url.Values{"type": {"set_players"}, "players": {"5"}, "scope": fixed, "labels": {"zone=1"}},
			303, "", map[string]string{"region": "eu", "zone": "1"}},
		"typed": {url.Values{"type": {"stop"}, "labels": {"region=eu"}}, 303, "", map[string]string{"region": "eu"}},
		"changed": {url.Values{"type": {"set_players"}, "players": {"5"}, "scope": fixed, "labels": {"region=us"}},
			422, "must not change region=eu, which is your scope", nil},
		"the scope of before": {url.Values{"type": {"set_players"}, "players": {"5"}, "scope": {"region=us"}},
			403, "The target must have the labels of your scope: region=eu", nil},
		"none":                 {url.Values{"type": {"stop"}}, 403, "The target must have the labels of your scope: region=eu", nil},
		"retry of all":         {url.Values{"retry": {"14"}}, 403, "The target must have the labels of your scope: region=eu", nil},
		"a value with a comma": {url.Values{"type": {"stop"}, "scope": {"region=eu", "note=a, b=c"}}, 409, "", nil},
	} {
		s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries()[1:])
		access, server := signed(t, s, nil)
		a, body := postAs(t, server.URL+"/ui/commands", tc.form, cookieOf(t, access, "ci-eu"))
		if a.StatusCode != tc.status || !strings.Contains(html.UnescapeString(body), tc.says) {
			t.Errorf("%s: %d %s", name, a.StatusCode, body)
		}
		sent := s.Submissions()
		if tc.labels == nil {
			if len(sent) > 0 && tc.status != http.StatusConflict {
				t.Errorf("%s: %+v was sent", name, sent)
			}
			continue
		}
		if len(sent) != 1 || len(sent[0].Target.Labels) != len(tc.labels) || sent[0].Submitter != "ci-eu" ||
			!(swarm.Target{Labels: tc.labels}).Matches("", sent[0].Target.Labels) {
			t.Errorf("%s: %+v was sent", name, sent)
		}
	}
}

// A retry of a command within the scope stays within it.
func TestRetryWithinTheScope(t *testing.T) {
	e := webtest.Entry(3, swarm.Command{Type: command.SetPlayers, Value: 100}, 1, swarm.Verdict{Kind: swarm.Acked},
		swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline})
	e.Issued.Target.Labels = map[string]string{"region": "eu"}
	drivers := webtest.Drivers()
	drivers[1].AppliedSeq = 1
	s := webtest.NewSwarm(drivers, []swarm.Entry{e})
	access, server := signed(t, s, nil)
	header := cookieOf(t, access, "ci-eu")
	if _, page := getAs(t, server.URL+"/ui/commands/3", header); strings.Contains(page, "<fieldset class=\"rights\" dis") {
		t.Error("the retry is disabled")
	}
	a, body := postAs(t, server.URL+"/ui/commands", url.Values{"retry": {"3"}}, header)
	sent := s.Submissions()
	if a.StatusCode != http.StatusSeeOther || len(sent) != 1 || sent[0].Target.Labels["region"] != "eu" ||
		!slices.Equal(sent[0].Target.DriverIDs, []string{"d-2"}) {
		t.Errorf("%d, %+v\n%s", a.StatusCode, sent, body)
	}
}

var carryField = regexp.MustCompile(`name="carry" value="([^"]*)"`)

// TestFormsSurviveTheEndOfASession: without scripts, the browser has left the page with the form. The form is shown
// again after the sign-in, and is not sent by itself.
func TestFormsSurviveTheEndOfASession(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries()[1:])
	_, server := signed(t, s, nil)
	for name, tc := range map[string]struct {
		form url.Values
		want []string
	}{
		"players": {url.Values{"type": {"set_players"}, "players": {"70"}, "per": {"total"}, "labels": {"zone=1"},
			"scope": {"region=eu"}, "note": {`for "Tom"`}},
			[]string{`name="players" value="70"`, `value="total" selected`, `name="labels" value="zone=1"`,
				`name="scope" value="region=eu"`, `name="note" value="for &#34;Tom&#34;"`,
				`name="type" value="set_players"`, "<dt>Only drivers with</dt><dd>region=eu</dd>"}},
		"one driver": {url.Values{"type": {"stop"}, "driver_ids": {"d-4"}},
			[]string{`name="type" value="stop"`, `name="driver_ids" value="d-4"`, "<dt>Drivers</dt><dd>d-4</dd>"}},
		"retry": {url.Values{"retry": {"14"}}, []string{`name="retry" value="14"`, "Retry command 14"}},
	} {
		from := map[string]string{"Referer": server.URL + "/ui/drivers/d-4"}
		a, body := postAs(t, server.URL+"/ui/commands", tc.form, from)
		silent(t, name, strings.ReplaceAll(carryField.ReplaceAllString(body, ""), "players", ""))
		carry := carryField.FindStringSubmatch(body)
		if a.StatusCode != http.StatusUnauthorized || a.Header.Get("WWW-Authenticate") != "Bearer" ||
			!strings.Contains(body, "You are signed out. Nothing was sent.") || carry == nil ||
			!strings.Contains(body, `name="back" value="/ui/drivers/d-4"`) {
			t.Fatalf("%s: %d %s", name, a.StatusCode, body)
		}
		kept := url.Values{"carry": {html.UnescapeString(carry[1])}, "back": {"/ui/drivers/d-4"}, "token": {"swc_x"}}
		a, body = postAs(t, server.URL+"/ui/login", kept, nil)
		if again := carryField.FindStringSubmatch(body); a.StatusCode != http.StatusUnauthorized || again == nil ||
			again[1] != carry[1] {
			t.Errorf("%s: a wrong token loses the form: %d", name, a.StatusCode)
		}
		kept.Set("token", "swc_alice")
		a, body = postAs(t, server.URL+"/ui/login", kept, nil)
		if a.StatusCode != http.StatusOK || !strings.Contains(a.Header.Get("Set-Cookie"), "of-alice") ||
			!strings.Contains(body, "Nothing has been sent yet") || !strings.Contains(body, `data-posted`) {
			t.Errorf("%s: %d with %q\n%s", name, a.StatusCode, a.Header.Get("Set-Cookie"), body)
		}
		for _, want := range append(tc.want, `action="/ui/commands"`, `href="/ui/drivers/d-4">Do not send it`) {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the form has no %s", name, want)
			}
		}
	}
	large := url.Values{"type": {"stop"}, "driver_ids": {strings.Repeat("d-1 ", 30_000)}}
	a, body := postAs(t, server.URL+"/ui/commands", large, nil)
	if a.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "too large to be kept") ||
		carryField.MatchString(body) {
		t.Errorf("a large form: %d", a.StatusCode)
	}
	evil := map[string]string{"Origin": "https://evil.example"}
	if a, body = postAs(t, server.URL+"/ui/commands", url.Values{"type": {"stop"}}, evil); a.StatusCode !=
		http.StatusForbidden || carryField.MatchString(body) {
		t.Errorf("a form of another site is kept: %d", a.StatusCode)
	}
	if n := len(s.Submissions()); n != 0 {
		t.Errorf("%d commands were submitted", n)
	}
	nothing := url.Values{"carry": {"type=nothing&x=%zz"}, "token": {"swc_alice"}, "back": {"/ui/about"}}
	if a, _ = postAs(t, server.URL+"/ui/login", nothing, nil); a.Header.Get("Location") != "/ui/about" {
		t.Errorf("a form that is none: %d", a.StatusCode)
	}
}

// TestScriptsAreToldThatTheyAreSignedOut: in the shape that they read, with where to sign in.
func TestScriptsAreToldThatTheyAreSignedOut(t *testing.T) {
	for base, change := range map[string]func(*web.Config){"": nil, "/swarmcall": withPublic} {
		_, server := signed(t, webtest.NewSwarm(webtest.Drivers(), webtest.Entries()), change)
		a, body := post(t, server.URL+"/ui/commands", url.Values{"type": {"stop"}}, map[string]string{
			"Accept": "application/json", "Referer": server.URL + base + "/ui/drivers?q=d",
		})
		var got struct {
			Says, URL, Words, Tone string
			NewTab                 bool `json:"new_tab"`
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || a.StatusCode != http.StatusUnauthorized ||
			!strings.HasPrefix(got.Says, "Signed out: sign in again") || !got.NewTab || got.Tone != "bad" ||
			got.URL != base+"/ui/login?back=%2Fui%2Fdrivers%3Fq%3Dd" {
			t.Errorf("%d %s, %v", a.StatusCode, body, err)
		}
		for _, path := range []string{"/ui/stream?topic=/", "/ui/series", "/ui/about", "/"} {
			for _, accept := range []string{"*/*", "text/event-stream", "application/json"} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					a, _ := send(t, method, server.URL+path, nil, map[string]string{"Accept": accept})
					if a.StatusCode != http.StatusUnauthorized {
						t.Errorf("%s %s as %s: %d", method, path, accept, a.StatusCode)
					}
				}
			}
		}
	}
}

// TestExpiredSessions: the page says that the sign-in has expired.
func TestExpiredSessions(t *testing.T) {
	cfg := config(webtest.NewSwarm(nil, nil))
	cfg.Access = webtest.NewAccess(nil)
	ui := web.New(cfg)
	expired := swarm.Errorf(swarm.CodeTokenExpired, "it has expired")
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ui/about", nil)
	r.Header.Set("Accept", "text/html")
	ui.AccessRefused(w, r, expired)
	to := w.Header().Get("Location")
	w = httptest.NewRecorder()
	ui.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, to, nil))
	if !strings.Contains(w.Body.String(), "Your sign-in has expired.") {
		t.Errorf("%s: %s", to, w.Body)
	}
	w, r = httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ui/commands", nil)
	r.Header.Set("Accept", "text/html")
	ui.AccessRefused(w, r, expired)
	if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "has expired. Nothing was sent.") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestLivePartsAreForEverybody: they are rendered once for all viewers, so they must show nothing of one of them.
func TestLivePartsAreForEverybody(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries()[1:])
	access, server := signed(t, s, nil)
	untilLiveAs(t, server.URL, cookieOf(t, access, "root"))
	var query string
	for _, topic := range []string{"/", "/ui/commands/14", "/ui/drivers/d-1", "/ui/about", "/ui/drivers"} {
		query += "topic=" + topic + "&fresh=" + topic + "&"
	}
	var hello []string
	var parts []map[string]string
	for _, name := range []string{"ci-eu", "wall"} {
		events := watchAs(t, server.URL, query, cookieOf(t, access, name))
		hello = append(hello, next(t, events, named("hello")).data)
		all := map[string]string{}
		for _, want := range []string{"acts", "lacking", "driver-facts", "strip"} {
			for all[want] == "" {
				collect(t, next(t, events, named("patch")), all)
			}
		}
		parts = append(parts, all)
	}
	for id, part := range parts[0] {
		for _, bad := range []string{"ci-eu", "wall", `name="scope"`, " disabled", "fieldset", "has the role"} {
			if strings.Contains(part, bad) {
				t.Errorf("the live part %s has %q: %s", id, bad, part)
			}
		}
		if other := parts[1][id]; strings.HasPrefix(id, "act") && other != part {
			t.Errorf("%s differs", id)
		}
	}
	if len(parts[0]) < 8 {
		t.Errorf("only %d parts", len(parts[0]))
	}
	if hello[0] == hello[1] || !strings.Contains(hello[0], `"who":"`) {
		t.Errorf("hello is %s and %s: a page cannot tell that its visitor is another", hello[0], hello[1])
	}
	_, page := getAs(t, server.URL+"/", cookieOf(t, access, "wall"))
	mark := regexp.MustCompile(`data-who="([0-9a-f]+)"`).FindStringSubmatch(page)
	if mark == nil || len(mark[1]) != 12 {
		t.Errorf("the page has no mark: %v", mark)
	}
}

// TestStopOfAScopeIsLive: the figures in the dialog follow the drivers of the scope.
func TestStopOfAScopeIsLive(t *testing.T) {
	drivers := webtest.Drivers()
	drivers[0].Labels = map[string]string{"region": "us", "note": "a, b=c"}
	s := webtest.NewSwarm(drivers, nil)
	access, server := signed(t, s, nil)
	header := cookieOf(t, access, "ci-us")
	untilLiveAs(t, server.URL, header)
	topic := url.QueryEscape("/ui/stop?label=region%3Dus&label=note%3Da%2C+b%3Dc")
	events := watchAs(t, server.URL, "topic="+topic+"&fresh="+topic, header)
	next(t, events, contains("1 driver, 100 players reported."))
	s.SetDrivers(drivers[1:])
	next(t, events, contains("0 drivers, 0 players reported."))
}

// TestStreamEndsWithTheSession: the router cancels the request.
func TestStreamEndsWithTheSession(t *testing.T) {
	access, server := signed(t, webtest.NewSwarm(webtest.Drivers(), nil), nil)
	header := cookieOf(t, access, "wall")
	untilLiveAs(t, server.URL, header)
	events := watchAs(t, server.URL, "topic=/", header)
	next(t, events, named("hello"))
	access.End()
	for range events { // until it is closed
	}
	a, _ := send(t, http.MethodGet, server.URL+"/ui/stream?topic=/", nil, header)
	if a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stream after the end: %d", a.StatusCode)
	}
}

// TestHostilePrincipals: validation makes such names and scopes impossible, but no page must depend on that.
func TestHostilePrincipals(t *testing.T) {
	for name, payload := range webtest.Payloads {
		t.Run(name, func(t *testing.T) {
			s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries()[1:])
			cfg := config(s)
			access := webtest.NewAccess(nil)
			cfg.Access, cfg.SessionCookie = access, webtest.SessionCookie
			ui := web.New(cfg)
			for _, role := range append(swarm.Roles(), swarm.Role(payload)) {
				p := swarm.Principal{Name: payload, Role: role, Scope: map[string]string{payload: payload}}
				for _, path := range []string{"/", "/ui/about", "/ui/stop", "/ui/drivers/d-1", "/ui/commands/14",
					"/ui/login", "/ui/nowhere", "/ui/login?back=" + url.QueryEscape(payload)} {
					w := httptest.NewRecorder()
					r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
					r.Header.Set("Accept", "text/html")
					ui.ServeHTTP(w, r.WithContext(swarm.WithPrincipal(r.Context(), p)))
					inert(t, string(role)+" "+path, payload, w.Body.String())
				}
			}
			carry := url.Values{"type": {"set_players"}, "players": {payload}, "driver_ids": {payload},
				"scope": {payload + "=" + payload}, "note": {payload}, "labels": {payload}}
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ui/commands",
				strings.NewReader(carry.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Accept", "text/html")
			ui.AccessRefused(w, r, swarm.Errorf(swarm.CodeUnauthenticated, payload))
			inert(t, "a kept form", payload, w.Body.String())
		})
	}
}

// TestAccessLinksHaveTheBase: those for signing in lead below the path of the proxy, too.
func TestAccessLinksHaveTheBase(t *testing.T) {
	access, server := signed(t, webtest.NewSwarm(webtest.Drivers(), webtest.Entries()), withPublic)
	links := 0
	for _, name := range []string{"", "ci-eu", "wall"} {
		header := cookieOf(t, access, name)
		for _, path := range []string{"/", "/ui/drivers/d-1", "/ui/login", "/ui/stop"} {
			a, body := getAs(t, server.URL+path, header)
			if a.StatusCode == http.StatusSeeOther {
				continue // the router adds the base to its Location
			}
			for _, m := range linkForm.FindAllStringSubmatch(body, -1) {
				links++
				if !strings.HasPrefix(m[1], "/swarmcall/") && !strings.HasPrefix(m[1], "#") {
					t.Errorf("%q, %s links to %s", name, path, m[1])
				}
			}
		}
	}
	if links < 100 {
		t.Errorf("only %d links", links)
	}
}
