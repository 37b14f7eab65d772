package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	issued = `{"type":"command.issued","timestamp":"2026-11-24T12:00:00.123Z","data":{"id":7,"event":"issued","seq":7,` +
		`"node":"local","submitter":"ci","command":{"type":"stop"},"target":{},"targets":["d-1","d-2"],` +
		`"submitted_at":"2026-11-24T12:00:00.123Z","deadline_ms":2000}}`
	closed = `{"type":"command.closed","timestamp":"2026-11-24T12:00:01.000Z","data":{"id":8,"event":"closed","seq":7,` +
		`"status":"partial","counts":{"targeted":2,"acked":1,"rejected":0,"superseded":0,"missing":1}}}`
)

// sends makes a request as the server does.
func sends(t *testing.T, position int, body string, at time.Time) *http.Request {
	t.Helper()
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("a1b2.1-%d", position)
	signature, err := hook.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("Webhook-Signature", "v1,old "+signature)
	return r
}

func TestRelay(t *testing.T) {
	var got []string
	status := http.StatusOK
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body)))
		w.WriteHeader(status)
	}))
	defer target.Close()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	l := &relay{
		secret: key, chat: target.URL + "/chat", grafana: target.URL, grafKey: "k", seen: map[string]uint64{},
	}
	answer := func(r *http.Request) int {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		return w.Code
	}
	now := time.Now()
	status = http.StatusInternalServerError
	if code := answer(sends(t, 7, issued, now)); code != http.StatusBadGateway || len(got) != 1 {
		t.Errorf("while the chat is down: %d, %q", code, got)
	}
	status, got = http.StatusOK, nil
	for _, r := range []*http.Request{sends(t, 7, issued, now), sends(t, 7, issued, now), sends(t, 8, closed, now)} {
		if code := answer(r); code != http.StatusNoContent {
			t.Errorf("answered %d", code)
		}
	}
	want := []string{
		`/chat  {"text":"#7 ci: {\"type\":\"stop\"} to 2 drivers"}`,
		`/api/annotations Bearer k {"tags":["swarmcall","command.issued"],"text":"#7 ci: {\"type\":\"stop\"} to 2 drivers",` +
			`"time":1795521600123}`,
		`/chat  {"text":"#7 partial: 1 of 2 drivers acked"}`,
		`/api/annotations Bearer k {"tags":["swarmcall","command.closed"],"text":"#7 partial: 1 of 2 drivers acked",` +
			`"time":1795521601000}`,
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("passed on\n%s\nwant\n%s", g, w)
	}
	got = nil
	forged := sends(t, 9, issued, now)
	forged.Body = io.NopCloser(strings.NewReader(strings.Replace(issued, "ci", "me", 1)))
	for name, r := range map[string]*http.Request{
		"changed": forged, "old": sends(t, 9, issued, now.Add(-time.Hour)), "early": sends(t, 9, issued, now.Add(time.Hour)),
		"unsigned": httptest.NewRequest(http.MethodPost, "/", strings.NewReader(issued)),
	} {
		if code := answer(r); code != http.StatusUnauthorized || len(got) != 0 {
			t.Errorf("%s: %d, %q", name, code, got)
		}
	}
}
