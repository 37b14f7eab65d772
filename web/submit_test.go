package web_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// answer is the server's answer to a form.
type answer struct {
	StatusCode int
	Header     http.Header
}

// post sends a form and does not follow the redirect.
func post(t testing.TB, url string, form url.Values, header map[string]string) (a answer, body string) {
	t.Helper()
	return send(t, http.MethodPost, url, form, header)
}

// send sends a request and does not follow a redirect.
func send(
	t testing.TB, method, url string, form url.Values, header map[string]string,
) (a answer, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header}, string(b)
}

func full(t testing.TB) (*webtest.Swarm, *httptest.Server) {
	t.Helper()
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries())
	return s, serveLive(t, s, nil)
}

func TestFormsSubmit(t *testing.T) {
	s, server := full(t)
	for _, tc := range []struct {
		form url.Values
		want swarm.Command
		to   swarm.Target
	}{
		{url.Values{"type": {"set_players"}, "players": {" 70 "}, "note": {"up"}},
			swarm.Command{Type: command.SetPlayers, Value: 70, Note: "up"}, swarm.Target{}},
		{url.Values{"type": {"set_spawn_delay_ms"}, "spawn_delay_ms": {"5"}, "labels": {"region=eu, zone=1"}},
			swarm.Command{Type: command.SetSpawnDelay, Value: 5},
			swarm.Target{Labels: map[string]string{"region": "eu", "zone": "1"}}},
		{url.Values{"type": {"set_players"}, "players": {"1000"}, "per": {"total"}},
			swarm.Command{Type: command.SetPlayers, Value: 1000, Total: true}, swarm.Target{}},
		{url.Values{"type": {"stop"}, "driver_ids": {"d-1", "d-2,d-3"}}, swarm.Command{Type: command.Stop},
			swarm.Target{DriverIDs: []string{"d-1", "d-2", "d-3"}}},
	} {
		resp, _ := post(t, server.URL+"/ui/commands", tc.form, nil)
		if resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/ui/commands/") {
			t.Errorf("%v: status %d to %q", tc.form, resp.StatusCode, resp.Header.Get("Location"))
			continue
		}
		all := s.Submissions()
		got := all[len(all)-1]
		if got.Command != tc.want || !slices.Equal(got.Target.DriverIDs, tc.to.DriverIDs) ||
			len(got.Target.Labels) != len(tc.to.Labels) || got.Submitter != "dashboard" {
			t.Errorf("%v was submitted as %+v", tc.form, got)
		}
	}
}

func TestRetryGoesToOutstandingDriversAndNeverUndoes(t *testing.T) {
	drivers := webtest.Drivers()
	s := webtest.NewSwarm(drivers, webtest.Entries()[1:])
	server := serveLive(t, s, nil)
	_, body := post(t, server.URL+"/ui/commands", url.Values{"retry": {"14"}}, map[string]string{
		"Accept": "application/json",
	})
	if !strings.Contains(body, "d-4 is stale, last heard from 14 s ago, d-5 is disconnected") {
		t.Errorf("a retry to drivers that are not there: %s", body)
	}
	for i := range drivers {
		drivers[i].State = swarm.Active // they have reconnected
	}
	s.SetDrivers(drivers)
	resp, _ := post(t, server.URL+"/ui/commands", url.Values{"retry": {"14"}}, nil)
	if resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", resp.StatusCode)
	}
	got := s.Submissions()[1]
	if !slices.Equal(got.Target.DriverIDs, []string{"d-4", "d-5"}) || got.Command.Value != 100 || got.IfSeq == nil ||
		*got.IfSeq != 14 {
		t.Errorf("a retry of 14 was submitted as %+v", got)
	}
	if resp, _ := post(t, server.URL+"/ui/commands", url.Values{"retry": {"14"}},
		nil); resp.StatusCode != http.StatusPreconditionFailed && resp.StatusCode != http.StatusConflict {
		t.Errorf("a retry that nobody needs any more: status %d", resp.StatusCode)
	}
	if resp, _ := post(t, server.URL+"/ui/commands", url.Values{"retry": {"12"}},
		nil); resp.StatusCode != http.StatusConflict {
		t.Errorf("a retry of a complete command: status %d", resp.StatusCode)
	}
}

// A retry goes to the drivers that a command left out, too: the server says which of them are outstanding.
func TestRetryGoesToLeftOutDrivers(t *testing.T) {
	e := webtest.Entry(14, swarm.Command{Type: command.SetPlayers, Value: 100}, 1,
		swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{
			Kind: swarm.Rejected, Code: "over_cap",
		})
	e.Issued.LeftOut = []swarm.LeftOut{{DriverID: "d-4", Reason: swarm.LeftOutStale},
		{DriverID: "d-5", Reason: swarm.LeftOutDisconnected}}
	drivers := webtest.Drivers()
	drivers[2].AppliedSeq, drivers[4].State = 9, swarm.Active
	s := webtest.NewSwarm(drivers, []swarm.Entry{e})
	server := serveLive(t, s, nil)
	_, page := get(t, server.URL+"/ui/commands/14")
	if !strings.Contains(page, "Retry to 3 outstanding drivers") ||
		!strings.Contains(page, "2 left out (1 stale, 1 disconnected)") {
		t.Error("the page does not say which drivers were left out, or offers no retry to them")
	}
	if resp, _ := post(t, server.URL+"/ui/commands", url.Values{"retry": {"14"}},
		nil); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", resp.StatusCode)
	}
	if got := s.Submissions()[0]; !slices.Equal(got.Target.DriverIDs, []string{"d-3", "d-4", "d-5"}) ||
		got.IfSeq == nil || *got.IfSeq != 14 {
		t.Errorf("it was submitted as %+v", got)
	}
}

// A page may be out of date: a newer command has replaced the one that it offers to send again.
func TestRetryOfAnOldDelayIsRefused(t *testing.T) {
	delay := func(seq uint64, ms int64, verdict swarm.Verdict) swarm.Entry {
		return webtest.Entry(seq, swarm.Command{Type: command.SetSpawnDelay, Value: ms}, 1, verdict)
	}
	s := webtest.NewSwarm(webtest.Drivers(), []swarm.Entry{ // newest first
		delay(4, 50, swarm.Verdict{Kind: swarm.Acked}), delay(3, 20, swarm.Verdict{
			Kind: swarm.Missing, Reason: swarm.ReasonDeadline,
		}),
	})
	server := serveLive(t, s, nil)
	resp, body := post(t, server.URL+"/ui/commands", url.Values{"retry": {"3"}}, nil)
	if resp.StatusCode != http.StatusPreconditionFailed || !strings.Contains(body, `href="/ui/commands/4"`) ||
		len(s.Submissions()) != 0 {
		t.Errorf("status %d, %d submissions", resp.StatusCode, len(s.Submissions()))
	}
}

// A total is split over its targets; if it were sent again to some of them, each would receive the share of several.
func TestTotalIsNotRetried(t *testing.T) {
	e := webtest.Entry(3, swarm.Command{Type: command.SetPlayers, Value: 100, Total: true}, 1,
		swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline})
	e.Issued.Split = []int64{51, 49}
	drivers := webtest.Drivers()
	drivers[1].AppliedSeq = 1 // it has missed the total
	server := serveLive(t, webtest.NewSwarm(drivers, []swarm.Entry{e}), nil)
	_, page := get(t, server.URL+"/ui/commands/3")
	if strings.Contains(page, `name="retry"`) || !strings.Contains(page, "A total cannot be sent again") ||
		!strings.Contains(page, ">49<") {
		t.Error("the page offers a retry, or does not say who was told what")
	}
	if resp, _ := post(t, server.URL+"/ui/commands", url.Values{"retry": {"3"}},
		nil); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a retry: status %d", resp.StatusCode)
	}
}

func TestFormsThatAreRefusedSayWhy(t *testing.T) {
	s, server := full(t)
	for name, tc := range map[string]struct {
		form   url.Values
		status int
		says   string
	}{
		"no type":   {url.Values{}, 422, "is not a command type"},
		"no number": {url.Values{"type": {"set_players"}, "players": {"many"}}, 422, "must be a whole number"},
		"negative":  {url.Values{"type": {"set_players"}, "players": {"-1"}}, 422, "must be between"},
		"labels":    {url.Values{"type": {"stop"}, "labels": {"region"}}, 422, "region=eu"},
		"nobody": {url.Values{"type": {"set_players"}, "players": {"1"}, "driver_ids": {"nobody"}}, 409,
			"nobody is unknown"},
		"no stop":    {url.Values{"type": {"stop"}, "driver_ids": {"nobody"}}, 409, "No driver matches nobody"},
		"bad id":     {url.Values{"type": {"stop"}, "driver_ids": {"<script>"}}, 422, "is not a driver id"},
		"no command": {url.Values{"retry": {"999"}}, 404, "No command has this seq"},
		"retry":      {url.Values{"retry": {"<b>"}}, 404, "identified by its number"},
	} {
		for accept, kind := range map[string]string{"text/html": "text/html", "application/json": "application/json"} {
			resp, body := post(t, server.URL+"/ui/commands", tc.form, map[string]string{"Accept": accept})
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.says) ||
				!strings.HasPrefix(resp.Header.Get("Content-Type"), kind) {
				t.Errorf("%s as %s: status %d, %.300s", name, accept, resp.StatusCode, body)
			}
		}
	}
	if n := len(s.Submissions()); n > 4 { // two of them reach the dispatcher, twice
		t.Errorf("%d submissions went on", n)
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	s, server := full(t)
	for name, header := range map[string]map[string]string{
		"cross-site":   {"Sec-Fetch-Site": "cross-site"},
		"same-site":    {"Sec-Fetch-Site": "same-site"},
		"other origin": {"Origin": "https://evil.example"},
		"null origin":  {"Origin": "null"},
	} {
		resp, _ := post(t, server.URL+"/ui/commands", url.Values{"type": {"stop"}}, header)
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
	}
	if n := len(s.Submissions()); n != 0 {
		t.Errorf("%d commands were submitted", n)
	}
	if resp, _ := post(t, server.URL+"/ui/commands", url.Values{"type": {"stop"}},
		map[string]string{"Sec-Fetch-Site": "same-origin",
			"Origin": server.URL}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("the page's own form: status %d", resp.StatusCode)
	}
}

func TestOutcomeAsJSONIsTheVerdict(t *testing.T) {
	_, server := full(t)
	resp, body := post(t, server.URL+"/ui/commands", url.Values{"type": {"stop"}}, map[string]string{
		"Accept": "application/json",
	})
	var got struct {
		OK        bool
		Says, URL string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusCreated || !got.OK ||
		!strings.Contains(got.Says, "3 of 5 drivers acked") {
		t.Errorf("status %d, %s, %v", resp.StatusCode, body, err)
	}
}

func TestThemeIsKeptInACookie(t *testing.T) {
	_, server := full(t)
	resp, _ := post(t, server.URL+"/ui/theme", url.Values{"theme": {"dark"}, "back": {"/ui/drivers?state=stale"}}, nil)
	if resp.Header.Get("Location") != "/ui/drivers?state=stale" ||
		!strings.Contains(resp.Header.Get("Set-Cookie"), "swarmcall_theme=dark") {
		t.Errorf("to %q with %q", resp.Header.Get("Location"), resp.Header.Get("Set-Cookie"))
	}
	for _, back := range []string{
		"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "",
		"/%0d%0aSet-Cookie: a=b",
	} {
		resp, _ := post(t, server.URL+"/ui/theme", url.Values{"theme": {"dark"}, "back": {back}}, nil)
		if to := resp.Header.Get("Location"); !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") ||
			strings.Contains(to, `\`) {
			t.Errorf("%q leads to %q", back, to)
		}
	}
}

// TestRefusalsAreInWordsOfThePage: they name drivers with their states, the fields of the form and a link to the newer
// command, and no pointers, routes and codes of the API.
func TestRefusalsAreInWordsOfThePage(t *testing.T) {
	s, server := full(t)
	set := func(more url.Values) url.Values {
		more.Set("type", "set_spawn_delay_ms")
		more.Set("spawn_delay_ms", "1")
		return more
	}
	newer := &swarm.Error{Code: swarm.CodeNewerCommand,
		Detail: "another command was issued after the one that if_seq names", Attrs: map[string]any{"seq": uint64(16)}}
	for name, tc := range map[string]struct {
		form      url.Values
		err       error
		says, url string
	}{
		"silent": {set(url.Values{"driver_ids": {"d-4,d-5,d-9"}}), nil,
			"d-4 is stale, last heard from 14 s ago, d-5 is disconnected, last heard from 3 min ago, d-9 is unknown.",
			""},
		"other labels": {set(url.Values{"driver_ids": {"d-1"}, "labels": {"zone=9"}}), nil,
			"d-1 does not have the labels zone=9.", ""},
		"label":         {set(url.Values{"labels": {"zone=4"}}), nil, "no driver with zone=4 is active; 1 stale.", ""},
		"no such label": {set(url.Values{"labels": {"zone=9"}}), nil, "no driver with zone=9 is connected.", ""},
		"newer": {url.Values{"retry": {"14"}}, newer, "A newer command came first. Nothing was sent",
			"/ui/commands/16"},
		"number": {url.Values{"type": {"set_players"}, "players": {"many"}}, nil,
			"These values are not valid: Players must be a whole number.", ""},
		"value": {url.Values{"type": {"set_players"}, "players": {"-1"}}, nil, "Players is -1; must be between",
			""},
		"labels": {url.Values{"type": {"stop"}, "labels": {"region"}}, nil,
			"Labels, all must match must look like region=eu", ""},
		"a bad id": {url.Values{"type": {"stop"}, "driver_ids": {"?"}}, nil, "Driver is not a driver id", ""},
	} {
		s.Refuse(tc.err)
		_, body := post(t, server.URL+"/ui/commands", tc.form, map[string]string{"Accept": "application/json"})
		var got struct{ Says, URL string }
		if err := json.Unmarshal([]byte(body), &got); err != nil || !strings.Contains(got.Says, tc.says) ||
			got.URL != tc.url {
			t.Errorf("%s: %s", name, body)
		}
		_, page := post(t, server.URL+"/ui/commands", tc.form, nil)
		if tc.url != "" && !strings.Contains(page, `<a href="`+tc.url+`">#16</a>`) {
			t.Errorf("%s: the page has no link to the newer command", name)
		}
		for _, bad := range []string{"/command/", "/labels", "GET /drivers", "if_seq"} {
			if strings.Contains(got.Says, bad) {
				t.Errorf("%s has words of the API: %s", name, got.Says)
			}
		}
	}
}

// TestRefusedFormKeepsItsValues: without scripts the browser has left the page of the form.
func TestRefusedFormKeepsItsValues(t *testing.T) {
	_, server := full(t)
	_, page := post(t, server.URL+"/ui/commands", url.Values{
		"type": {"set_players"}, "players": {"many"}, "per": {"total"}, "labels": {"region=eu"}, "note": {`for "Tom"`},
	}, nil)
	for _, want := range []string{
		`name="players" value="many"`, `aria-invalid="true" aria-describedby="again-players"`,
		`id="again-players"`, "must be a whole number", `value="total" selected`,
		`name="labels" value="region=eu"`, `name="note" value="for &#34;Tom&#34;"`, `name="type" value="set_players"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	_, page = post(t, server.URL+"/ui/commands",
		url.Values{"type": {"set_spawn_delay_ms"}, "spawn_delay_ms": {"7"}, "driver_ids": {"d-4"}}, nil)
	for _, want := range []string{
		`name="driver_ids" value="d-4"`, `name="spawn_delay_ms" value="7"`, `href="/ui/drivers/d-4">Back to the driver`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of a silent driver has no %s", want)
		}
	}
	if strings.Contains(page, `name="labels"`) {
		t.Error("a form for one driver asks for labels")
	}
}

// TestBannerHasNoCodes: the page shows the reason that the log gives, without the parts for programs.
func TestBannerHasNoCodes(t *testing.T) {
	server := serveLive(t, webtest.NewSwarm(webtest.Drivers(), webtest.Entries()), func(c *web.Config) {
		c.Ready = func(context.Context) []web.Check {
			return []web.Check{{Name: "log",
				Detail: "log_unavailable: the log's disk is full: 3 MiB are free; nothing was sent"}}
		}
	})
	for _, path := range []string{"/", "/ui/about"} {
		_, body := get(t, server.URL+path)
		if !strings.Contains(body, "the log&#39;s disk is full: 3 MiB are free") ||
			strings.Contains(body, "log_unavailable") || strings.Contains(body, "nothing was sent") {
			t.Errorf("%s has words for programs", path)
		}
	}
}

// The form of a closed page is dropped, because its sender may have stopped the load since.
func TestFormOfAClosedPage(t *testing.T) {
	for kind, want := range map[string]int{"set_players": 0, "stop": 1} {
		s := webtest.NewSwarm(webtest.Drivers(), nil)
		ui := web.New(config(s))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		form := strings.NewReader(url.Values{"type": {kind}, "players": {"5"}}.Encode())
		r := httptest.NewRequestWithContext(gone, http.MethodPost, "/ui/commands", form)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		anyone(ui).ServeHTTP(httptest.NewRecorder(), r)
		if n := len(s.Submissions()); n != want {
			t.Errorf("%s: %d submissions, want %d", kind, n, want)
		}
	}
}

func TestUnknownFiltersAreNamed(t *testing.T) {
	_, server := full(t)
	_, page := get(t, server.URL+"/ui/commands?status=missing&type=stop")
	if !strings.Contains(page, "status=missing") || strings.Contains(page, "The filter <bdi>type") {
		t.Error("the page does not say which filter it leaves out")
	}
}

// TestStopThatReachesNoDriver: a Stop that no driver matches is never a green success, and says what is known of its
// target.
func TestStopThatReachesNoDriver(t *testing.T) {
	typo := swarm.Reach{InUse: swarm.InUse{Labels: map[string][]string{"zone": {"eu-west", "us"}}}}
	ids := swarm.Reach{InUse: swarm.InUse{DriverIDs: []string{"d-1"}}}
	for name, tc := range map[string]struct {
		form   url.Values
		reach  swarm.Reach
		logged bool
		status int
		tone   string
		says   string
	}{
		"a typo": {url.Values{"labels": {"zone=eu"}}, typo, false, 409,
			"bad", "No driver matches zone=eu; in use: zone eu-west, us."},
		"nothing like it": {url.Values{"labels": {"zone=eu"}}, swarm.Reach{}, false, 409,
			"bad", "No driver matches zone=eu."},
		"an id and a label": {url.Values{"labels": {"zone=eu"}, "driver_ids": {"d-1"}}, ids, false, 409,
			"bad", "No driver matches d-1, zone=eu; in use: drivers d-1."},
		"they have left": {url.Values{"labels": {"zone=eu"}}, swarm.Reach{Left: true}, false, 409,
			"off", "The drivers that matched have left."},
		"an empty swarm": {url.Values{}, swarm.Reach{Left: true}, false, 409,
			"off", "No driver is connected, and no load is set."},
		"logged, they return": {url.Values{"labels": {"zone=eu"}}, swarm.Reach{Awaited: true}, true, 201,
			"warn", "Logged; no driver was connected. It stops drivers that reconnect."},
		"logged, a typo": {url.Values{"labels": {"zone=eu"}}, typo, true, 201,
			"warn", "Logged; no driver was connected. No driver matches zone=eu; in use: zone eu-west, us."},
		"logged, nothing like": {url.Values{"labels": {"zone=eu"}}, swarm.Reach{}, true, 201,
			"warn", "Logged; no driver was connected. No driver matches zone=eu."},
	} {
		s := webtest.NewSwarm(nil, nil)
		s.Reached, s.Unmatched = tc.reach, tc.logged
		server := serveLive(t, s, nil)
		tc.form.Set("type", "stop")
		resp, body := post(t, server.URL+"/ui/commands", tc.form, map[string]string{"Accept": "application/json"})
		var got struct{ Says, Tone, URL string }
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != tc.status ||
			got.Tone != tc.tone || !strings.Contains(got.Says, tc.says) {
			t.Errorf("%s: status %d, %s", name, resp.StatusCode, body)
		}
		if !tc.logged {
			continue
		}
		for _, path := range []string{"/", "/ui/commands", got.URL} {
			_, page := get(t, server.URL+path)
			if strings.Contains(page, "t-ok\"><svg") || strings.Contains(page, ">0<span class=\"of\">/0") ||
				!strings.Contains(page, "no driver") {
				t.Errorf("%s: %s shows it as a success, or as 0 of 0", name, path)
			}
		}
	}
}
