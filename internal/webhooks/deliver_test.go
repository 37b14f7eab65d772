package webhooks

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/ndjson"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// everyKind are records of every kind from position first on.
func everyKind(first uint64) []swarm.Record {
	return []swarm.Record{
		swarmtest.Issued("ci", "d-1"), swarmtest.Closed(first, swarm.Verdict{Kind: swarm.Acked}),
		swarmtest.Late(first, "d-1"), &swarm.Expired{Node: "test", At: swarmtest.Noon, Replaced: first, Cause: "nobody"},
		&swarm.Reset{Node: "test", At: swarmtest.Noon, Cause: "quiet"},
	}
}

func TestEachRecordIsPostedOnceInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		w.log.add(everyKind(2)...)
		w.log.add(everyKind(7)...)
		synctest.Wait()
		w.delivered("2 3 4 5 6 7 8 9 10 11") // the record of the start was there before the hook
		for i, p := range w.endpoint.posts()[:5] {
			e := w.log.events[i+1]
			var body struct {
				Type      string
				Timestamp time.Time
				Data      json.RawMessage
			}
			if err := json.Unmarshal([]byte(p.body), &body); err != nil {
				t.Fatal(err)
			}
			var targets []string
			if e.Issued != nil {
				targets = e.Issued.Targets
			}
			if line := string(ndjson.Line(e.Stored, targets)); string(body.Data)+"\n" != line {
				t.Errorf("data is %s, the line of the export %s", body.Data, line)
			}
			name, at := nameOf(e.Record)
			if body.Type != name || name != eventNames()[i] || !body.Timestamp.Equal(at) || at.IsZero() {
				t.Errorf("type %s at %v, want %s", body.Type, body.Timestamp, eventNames()[i])
			}
		}
	})
}

func TestWhatARequestHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		swarmtest.Advance(time.Hour)
		w.log.add(swarmtest.Stop("ci"))
		synctest.Wait()
		p := w.endpoint.posts()[0]
		stamp := p.Header.Get("Webhook-Timestamp")
		user, password, _ := p.BasicAuth()
		if p.Method != http.MethodPost || p.URL.String() != "https://hooks.example.com/path?key=query" || user != "u" ||
			password != "pass" || p.Header.Get("Content-Type") != "application/json" || p.id() != "a1b2.1-2" ||
			stamp != unix(time.Now()) {
			t.Errorf("%s %s %v", p.Method, p.URL, p.Header)
		}
		verified(t, p)
	})
}

func TestARecordIsRetriedUntilItIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		down := time.Now().Add(5 * time.Minute)
		w.endpoint.answers(func(posted) *http.Response {
			if time.Now().Before(down) {
				return says(http.StatusBadGateway, "proxy\nsays no")
			}
			return says(http.StatusOK, "")
		})
		w.log.add(swarmtest.Issued("ci", "d-1"), swarmtest.Closed(2, swarm.Verdict{Kind: swarm.Acked}))
		swarmtest.Advance(time.Minute)
		s := w.status()
		if s.Position != 1 || s.Behind != 2 || s.Delivered != 0 || s.Failed == 0 ||
			time.Since(s.FailingSince) != time.Minute ||
			s.LastError != `the endpoint answered 502 Bad Gateway: "proxy\nsays no"` {
			t.Errorf("while it fails: %+v", s)
		}
		swarmtest.Advance(5 * time.Minute)
		synctest.Wait()
		posts := w.endpoint.posts()
		for _, p := range posts[:len(posts)-1] {
			if p.id() != "a1b2.1-2" || p.body != posts[0].body {
				t.Errorf("before the record was accepted, %s was posted", p.id())
			}
			verified(t, p)
		}
		if last := posts[len(posts)-1]; last.id() != "a1b2.1-3" {
			t.Errorf("the last is %s", last.id())
		}
		s = w.status()
		if s.Position != 3 || s.Behind != 0 || s.Delivered != 2 || s.Failed != uint64(len(posts)-2) || s.LastError != "" ||
			!s.FailingSince.IsZero() {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

func TestPausesGrowToAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		var at []time.Time
		w.endpoint.answers(func(posted) *http.Response {
			at = append(at, time.Now())
			return says(http.StatusInternalServerError, "")
		})
		w.log.add(swarmtest.Stop("ci"))
		swarmtest.Advance(time.Hour)
		w.end()
		for i, pause := 1, firstPause; i < len(at); i, pause = i+1, min(2*pause, longestPause) {
			if took := at[i].Sub(at[i-1]); took < pause/2 || took > pause {
				t.Errorf("pause %d is %v, want %v to %v", i, took, pause/2, pause)
			}
		}
		if len(at) < 60 || len(at) > 140 {
			t.Errorf("%d attempts in an hour", len(at))
		}
	})
}

// TestRetryAfter: the endpoint may ask for a longer pause, up to a bound.
func TestRetryAfter(t *testing.T) {
	for asked, want := range map[string][2]time.Duration{
		"120":                           {2 * time.Minute, 2 * time.Minute},
		"0":                             {firstPause / 2, firstPause},
		"-1":                            {firstPause / 2, firstPause},
		"soon":                          {firstPause / 2, firstPause},
		"9999999":                       {longestRetryAfter, longestRetryAfter},
		"Sat, 01 Jan 2000 00:03:00 GMT": {3 * time.Minute, 3 * time.Minute}, // a bubble begins with that year
		"Sat, 01 Jan 1999 00:03:00 GMT": {firstPause / 2, firstPause},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := run(t, hookRow("ops", ""))
			var at []time.Time
			w.endpoint.answers(func(posted) *http.Response {
				at = append(at, time.Now())
				return says(http.StatusTooManyRequests, "", "Retry-After: "+asked)
			})
			w.log.add(swarmtest.Stop("ci"))
			swarmtest.Advance(longestRetryAfter + time.Minute)
			w.end()
			if took := at[1].Sub(at[0]); took < want[0] || took > want[1] {
				t.Errorf("Retry-After: %s gives a pause of %v", asked, took)
			}
		})
	}
}

// TestNoAnswer: an endpoint that does not answer costs 15 s for each attempt, and nothing at a stop.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		w.endpoint.answers(func(posted) *http.Response { return nil })
		w.log.add(swarmtest.Stop("ci"))
		swarmtest.Advance(attemptTimeout)
		synctest.Wait()
		if s := w.status(); s.Failed != 1 || s.LastError != "the endpoint did not answer within 15s" {
			t.Errorf("got %+v", s)
		}
		swarmtest.Advance(firstPause + time.Second) // in the middle of the second attempt
		began := time.Now()
		w.end()
		if took := time.Since(began); took > 0 {
			t.Errorf("the stop took %v", took)
		}
		if s := w.status(); s.Failed != 1 || s.Position != 1 {
			t.Errorf("a stop counts as a failure: %+v", s)
		}
	})
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		w.endpoint.answers(func(posted) *http.Response {
			return says(http.StatusPermanentRedirect, "", "Location: https://elsewhere.example.com/")
		})
		w.log.add(swarmtest.Stop("ci"))
		swarmtest.Advance(time.Minute)
		for _, p := range w.endpoint.posts() {
			if p.URL.Host != "hooks.example.com" {
				t.Errorf("posted to %s", p.URL.Host)
			}
		}
		if s := w.status(); s.Failed < 2 || !strings.Contains(s.LastError, "redirects are not followed") {
			t.Errorf("got %+v", s)
		}
	})
}

// TestGone: 410 ends the deliveries to this hook only, until the file is read again.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""), hookRow("other", ""))
		gone := true
		w.endpoint.answers(func(p posted) *http.Response {
			if gone && strings.HasSuffix(p.id(), "-2") {
				gone = false // the other hook is not told
				return says(http.StatusGone, "")
			}
			return says(http.StatusOK, "")
		})
		w.log.add(swarmtest.Stop("ci"), swarmtest.Stop("ci"))
		swarmtest.Advance(time.Hour)
		disabled, posts := 0, len(w.endpoint.posts())
		for _, s := range w.Status() {
			if s.Disabled {
				disabled++
				if s.Position != 1 || s.Behind != 2 || s.LastError == "" || s.FailingSince.IsZero() {
					t.Errorf("the disabled one: %+v", s)
				}
			}
		}
		if disabled != 1 || posts != 3 || strings.Count(w.lines.String(), "410") != 1 {
			t.Errorf("%d are disabled after %d requests:\n%s", disabled, posts, w.lines)
		}
		if err := w.Reload(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, s := range w.Status() {
			if s.Disabled || s.Position != 3 || s.Delivered != 2 {
				t.Errorf("after the reload: %+v", s)
			}
		}
	})
}

// TestADeadEndpointCostsOneBatch: the log grows, and the hook reads no more of it.
func TestADeadEndpointCostsOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		w.endpoint.answers(func(posted) *http.Response { return says(http.StatusServiceUnavailable, "") })
		for range 1000 {
			w.log.add(swarmtest.Stop("ci"))
			swarmtest.Advance(time.Second)
		}
		if got := w.log.batches(); got != 1 {
			t.Errorf("%d batches were read", got)
		}
		if s := w.status(); s.Behind != 1000 {
			t.Errorf("%d records behind", s.Behind)
		}
		w.endpoint.answers(nil)
		swarmtest.Advance(longestPause)
		synctest.Wait()
		if s := w.status(); s.Behind != 0 || s.Delivered != 1000 {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

// TestWarningsAreFew: the log shows an outage at once, then ever more rarely, and its end. No line has more of the URL
// than its host.
func TestWarningsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		w.endpoint.answers(func(posted) *http.Response { return says(http.StatusServiceUnavailable, "") })
		w.log.add(swarmtest.Stop("ci"))
		synctest.Wait()
		count := func() int { return strings.Count(w.lines.String(), "level=WARN") }
		if count() != 1 {
			t.Errorf("%d warnings at the start", count())
		}
		swarmtest.Advance(24 * time.Hour)
		if got := count(); got < 20 || got > 40 {
			t.Errorf("%d warnings in a day", got)
		}
		w.endpoint.answers(nil)
		swarmtest.Advance(longestPause)
		synctest.Wait()
		text := w.lines.String()
		if strings.Count(text, "accepts deliveries again") != 1 || !strings.Contains(text, "webhook=ops") ||
			!strings.Contains(text, "https://hooks.example.com") {
			t.Errorf("the log is %s", text)
		}
		for _, secret := range []string{"pass", "query", "/path", "MfKQ9r8"} {
			if strings.Contains(text, secret) {
				t.Errorf("the log shows %s: %s", secret, text)
			}
		}
	})
}

// TestAnEndpointThatFailsNowAndThen has no warning for each failure.
func TestAnEndpointThatFailsNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		n := 0
		w.endpoint.answers(func(posted) *http.Response {
			if n++; n%2 == 1 {
				return says(http.StatusServiceUnavailable, "")
			}
			return says(http.StatusOK, "")
		})
		for range 600 {
			w.log.add(swarmtest.Stop("ci"))
		}
		swarmtest.Advance(10 * time.Minute)
		synctest.Wait()
		if s := w.status(); s.Delivered != 600 {
			t.Errorf("got %+v", s)
		}
		if got := strings.Count(w.lines.String(), "level=WARN"); got > 11 {
			t.Errorf("%d warnings in ten minutes", got)
		}
	})
}

func TestALogThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, hookRow("ops", ""))
		synctest.Wait()
		w.log.fail(errors.New("disk"))
		w.log.add(swarmtest.Stop("ci"))
		swarmtest.Advance(time.Second)
		if s := w.status(); s.LastError != "cannot read the log: disk" || s.FailingSince.IsZero() {
			t.Errorf("got %+v", s)
		}
		w.log.fail(nil)
		swarmtest.Advance(readPause)
		synctest.Wait()
		w.delivered("2")
		if s := w.status(); s.LastError != "" {
			t.Errorf("got %+v", s)
		}
	})
}

func TestFilters(t *testing.T) {
	shop := func(r *swarm.Issued, t swarm.Target) *swarm.Issued { r.Target = t; return r }
	records := []swarm.Record{
		shop(swarmtest.Stop("ci"), swarm.Target{Labels: map[string]string{"team": "shop", "region": "eu"}}), // 2
		shop(swarmtest.Stop("ci"), swarm.Target{Labels: map[string]string{"team": "search"}}),               // 3
		shop(swarmtest.Stop("ci"), swarm.Target{}),                                                          // 4
		shop(swarmtest.Stop("ci"), swarm.Target{DriverIDs: []string{"d-1"}}),                                // 5
		swarmtest.Closed(2), swarmtest.Closed(3), swarmtest.Late(3, "d-1"), // 6 7 8
		&swarm.Expired{Target: swarm.Target{Labels: map[string]string{"team": "search"}}}, // 9
		&swarm.Expired{Target: swarm.Target{Labels: map[string]string{"team": "shop"}}},   // 10
		&swarm.Reset{Cause: "quiet"}, // 11
	}
	for more, want := range map[string]string{
		"":                                     "2 3 4 5 6 7 8 9 10 11",
		", events: []":                         "2 3 4 5 6 7 8 9 10 11",
		", labels: {}":                         "2 3 4 5 6 7 8 9 10 11",
		", events: [command.closed]":           "6 7",
		", events: [command.late, log.reset]":  "8 11",
		", labels: {team: shop}":               "2 4 5 6 10 11",
		", labels: {team: search, region: us}": "3 4 5 7 8 9 11",
		", labels: {team: shop}, events: [command.expired]": "10",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := run(t, hookRow("ops", more))
			w.log.add(records...)
			synctest.Wait()
			if got := w.endpoint.ids(); got != want {
				t.Errorf("%q: posted %s, want %s", more, got, want)
			}
			if s := w.status(); s.Position != 11 || s.Behind != 0 {
				t.Errorf("%q: %+v", more, s)
			}
		})
	}
}
