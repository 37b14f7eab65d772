package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// TestHostileTextsAreInert puts each payload into every sink of every page, and into what a visitor can put into URLs
// and forms.
func TestHostileTextsAreInert(t *testing.T) {
	for name, payload := range webtest.Payloads {
		t.Run(name, func(t *testing.T) {
			s := webtest.Hostile(payload)
			server := serveLive(t, s, func(c *web.Config) {
				c.About = []web.Fact{{Name: payload, Value: payload}}
				target := swarm.Target{Labels: map[string]string{payload: payload}}
				c.Withdrawals = []swarm.Stored{{Position: 9, Record: &swarm.Expired{Replaced: 1, Target: target,
					Cause: payload}}}
			})
			q := url.QueryEscape(payload)
			for _, path := range []string{
				"/", "/ui/commands", "/ui/commands/1", "/ui/commands/2", "/ui/commands/3", "/ui/commands/4",
				"/ui/drivers",
				"/ui/drivers/" + url.PathEscape(payload), "/ui/heatmap", "/ui/nodes", "/ui/about",
				"/ui/stop", "/ui/commands?submitter=" + q + "&type=" + q + "&status=" + q, "/ui/drivers?q=" + q +
					"&label=" + q + "&sort=" + q,
				"/ui/" + url.PathEscape(payload), "/ui/commands/" + url.PathEscape(payload), "/?" + q,
			} {
				_, body := get(t, server.URL+path)
				inert(t, path, payload, body)
			}
			_, body := post(t, server.URL+"/ui/commands",
				url.Values{"type": {payload}, "labels": {payload}, "driver_ids": {payload}}, nil)
			inert(t, "a refused form", payload, body)
			inertStream(t, server.URL, payload)
		})
	}
}

// inert fails if markup of the payload becomes markup of the page.
func inert(t *testing.T, where, payload, html string) {
	t.Helper()
	for _, bad := range []string{
		"<script>window", "<img", "<iframe", "<b id", "<form id=main", `" autofocus onfocus`, "' onmouseover='",
		"</svg><svg onload", `href="javascript:`, `src="javascript:`,
	} {
		value := strings.TrimPrefix(strings.TrimPrefix(bad, `href="`), `src="`)
		if strings.Contains(payload, value) && strings.Contains(html, bad) {
			t.Errorf("%s: %q is markup", where, bad)
		}
	}
	isolated(t, where, payload, html)
}

// isolating matches start tags whose text cannot change the direction of the text around it.
var isolating = regexp.MustCompile(`<(bdi|td|th|dt|dd|title|option|pre|input)\b[^>]*>$|class="(id|note|label)"[^>]*>(<a [^>]*>)?$|</svg>\s*$`)

// isolated fails if a text that changes the text direction also changes that of its neighbours, or of text to copy.
func isolated(t *testing.T, where, payload, html string) {
	t.Helper()
	if !strings.ContainsFunc(payload, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }) {
		return
	}
	for rest, at := html, 0; ; {
		i := strings.Index(rest, payload)
		if i < 0 {
			return
		}
		at += i
		before := html[:at]
		rest, at = rest[i+len(payload):], at+len(payload)
		open := strings.LastIndex(before, ">")
		if strings.LastIndex(before, "<") > open {
			continue // the value of an attribute is always isolated
		}
		tag := before[:open+1]
		if !isolating.MatchString(tag) {
			t.Errorf("%s: not isolated: …%s", where, before[max(0, len(before)-120):])
		}
		if strings.LastIndex(before, "<pre") > strings.LastIndex(before, "</pre") {
			t.Errorf("%s: what is to be copied has it: …%s", where, before[max(0, len(before)-120):])
		}
	}
}

// inertStream checks the same for the live stream: no payload may end an event.
func inertStream(t *testing.T, server, payload string) {
	t.Helper()
	events := watch(t, server,
		"topic=/&topic=/ui/drivers&topic=/ui/commands&fresh=/&fresh=/ui/drivers&fresh=/ui/commands", "")
	for seen := 0; seen < 3; {
		e := next(t, events, func(e event) bool { return true })
		if e.name == "reset" {
			t.Fatal("a payload is an event of its own")
		}
		if e.name != "patch" {
			continue
		}
		var p patch
		if err := json.Unmarshal([]byte(e.data), &p); err != nil {
			t.Fatalf("%v: %s", err, e.data)
		}
		for _, html := range p.Parts {
			inert(t, "stream "+p.Topic, payload, html)
		}
		for _, l := range p.Lists {
			for _, html := range l.Rows {
				inert(t, "stream "+p.Topic, payload, html)
			}
		}
		seen++
	}
}

// TestCurlIsOneWordPerWord: a note must not become a command of the shell into which it is pasted.
func TestCurlIsOneWordPerWord(t *testing.T) {
	server := serveLive(t, webtest.Hostile(webtest.Payloads["shell"]), nil)
	_, body := get(t, server.URL+"/ui/commands/1")
	if !strings.Contains(body, `&#39;\&#39;&#39;; touch /tmp/pwned; `) {
		t.Error("a quote in a note ends the quoting of the curl line")
	}
}

func TestPagesSendNothingInline(t *testing.T) {
	_, server := full(t)
	for _, path := range []string{"/", "/ui/commands", "/ui/commands/14", "/ui/drivers", "/ui/drivers/d-1",
		"/ui/heatmap", "/ui/nodes", "/ui/about", "/ui/stop", "/nothing"} {
		status, body := get(t, server.URL+path)
		if status != http.StatusOK && path != "/nothing" {
			t.Errorf("%s: status %d", path, status)
		}
		for _, bad := range []string{"<style", " style=", "<script>", " onclick", " onload", "javascript:"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s has %q, which the security policy forbids", path, bad)
			}
		}
	}
}
