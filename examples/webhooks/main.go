// Command webhooks is a relay: it verifies the webhooks of a Swarmcall server, and posts a line about each to a chat
// (Slack or Mattermost, an incoming webhook) and to Grafana (an annotation). It takes both addresses from the
// environment; leave out what you do not have.
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type relay struct {
	secret                 []byte
	chat, grafana, grafKey string
	mu                     sync.Mutex        // one record at a time keeps them in order
	seen                   map[string]uint64 // by the id of the log: position of the newest record that was passed on
}

type record struct {
	Type      string
	Timestamp time.Time
	Data      struct {
		ID, Seq           uint64
		Submitter, Status string
		Cause             string
		Command           json.RawMessage
		Targets           []string
		Counts            struct{ Targeted, Acked int }
	}
}

func (r record) text() string {
	switch d := r.Data; r.Type {
	case "command.issued":
		return fmt.Sprintf("#%d %s: %s to %d drivers", d.Seq, d.Submitter, d.Command, len(d.Targets))
	case "command.closed":
		return fmt.Sprintf("#%d %s: %d of %d drivers acked", d.Seq, d.Status, d.Counts.Acked, d.Counts.Targeted)
	default:
		return strings.TrimSpace(r.Type + " " + d.Cause)
	}
}

func (l *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 16<<20))
	if err != nil || !genuine(l.secret, req.Header, body, time.Now()) {
		http.Error(w, "not signed with our secret", http.StatusUnauthorized)
		return
	}
	var r record
	if err := json.Unmarshal(body, &r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	id := req.Header.Get("Webhook-Id")
	logID := id[:strings.LastIndexByte(id, '-')+1]
	if r.Data.ID > l.seen[logID] { // else it came before: records come in order
		if err := l.pass(req.Context(), r); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway) // the server sends it again
			return
		}
		l.seen[logID] = r.Data.ID
	}
	w.WriteHeader(http.StatusNoContent)
}

// genuine verifies a request, as https://www.standardwebhooks.com has it.
func genuine(secret []byte, h http.Header, body []byte, now time.Time) bool {
	stamp, err := strconv.ParseInt(h.Get("Webhook-Timestamp"), 10, 64)
	if age := now.Sub(time.Unix(stamp, 0)); err != nil || age.Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%d.%s", h.Get("Webhook-Id"), stamp, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, got := range strings.Fields(h.Get("Webhook-Signature")) {
		if hmac.Equal([]byte(got), []byte(want)) {
			return true
		}
	}
	return false
}

func (l *relay) pass(ctx context.Context, r record) error {
	if l.chat != "" {
		if err := post(ctx, l.chat, "", map[string]any{"text": r.text()}); err != nil {
			return err
		}
	}
	if l.grafana == "" {
		return nil
	}
	return post(ctx, l.grafana+"/api/annotations", l.grafKey, map[string]any{
		"time": r.Timestamp.UnixMilli(), "tags": []string{"swarmcall", r.Type}, "text": r.text(),
	})
}

var client = http.Client{Timeout: 5 * time.Second} // the server waits 15 s for the answer

func post(ctx context.Context, url, key string, what any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	return nil
}

func main() {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if err != nil || len(secret) < 24 {
		log.Fatal("WEBHOOK_SECRET must be the secret of the webhooks file: whsec_…")
	}
	server := http.Server{
		Addr: cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:9010"), ReadTimeout: 15 * time.Second,
		Handler: &relay{
			secret: secret, chat: os.Getenv("CHAT_URL"), grafana: strings.TrimSuffix(os.Getenv("GRAFANA_URL"), "/"),
			grafKey: os.Getenv("GRAFANA_TOKEN"), seen: map[string]uint64{},
		},
	}
	log.Fatal(server.ListenAndServe())
}
