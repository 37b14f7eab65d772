package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/swarmtest/hooktest"
)

// accept connects a driver that acks every command until the test ends, and returns the id of the log.
func accept(t *testing.T, url string, labels map[string]string) (logID string) {
	t.Helper()
	ctx, done := context.WithCancel(t.Context())
	connected := make(chan string, 1)
	var running sync.WaitGroup
	running.Go(func() {
		_ = driver.Run(ctx, driver.Config{URL: url, DriverID: "d-1", Labels: labels,
			OnConnect: func(s driver.Session) { connected <- s.LogID }},
			driver.HandlerFunc(func(context.Context, driver.Command) error { return nil }))
	})
	t.Cleanup(func() {
		done()
		running.Wait()
	})
	return <-connected
}

// issue sends commands to a target, and returns the lines of the export so far.
func issue(t *testing.T, url, target string, n int) []string {
	t.Helper()
	for i := range n {
		body := fmt.Sprintf(`{"command":{"type":"set_players","players":%d},"target":%s}`, i, target)
		if got := fetch(t, "POST", url+"/commands", body, nil); got != http.StatusCreated {
			t.Fatalf("POST: %d", got)
		}
	}
	return export(t, url)
}

func export(t *testing.T, url string) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/commands/export", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// TestWebhooks: the endpoints get the lines of the export, each what its row asks for; also one that was down.
func TestWebhooks(t *testing.T) {
	up, down := hooktest.New(t), hooktest.New(t)
	cfg := local(t)
	cfg.WebhooksFile = hooktest.File(t, up.Row("/all", ""), down.Row("/late", ""),
		up.Row("/closed", ", events: [command.closed]"), up.Row("/shop", ", labels: {team: shop}"),
		up.Row("/search", ", labels: {team: search}"))
	down.Down()
	s := launch(t, cfg)
	logID := accept(t, s.url, map[string]string{"team": "shop"})
	before := len(export(t, s.url))
	lines := issue(t, s.url, `{"labels":{"team":"shop"}}`, 3)
	for _, path := range []string{"/all", "/shop", "/closed"} {
		if !up.Until(path, patience, hooktest.Reached(uint64(len(lines)))) {
			t.Fatalf("%s got %d of %d lines", path, len(up.Posts(path)), len(lines))
		}
	}
	all := up.Posts("/all")
	if len(all) != len(lines)-before || len(up.Posts("/shop")) != len(all) || len(up.Posts("/search")) != 0 {
		t.Errorf("%d posts of %d lines after %d; %d for shop, %d for search", len(all), len(lines), before,
			len(up.Posts("/shop")), len(up.Posts("/search")))
	}
	for i, p := range all {
		if position := before + i + 1; p.Data != lines[position-1] || p.ID != fmt.Sprintf("%s-%d", logID, position) {
			t.Errorf("post %d is %s %s, want position %d of %s: %s", i, p.ID, p.Data, position, logID, lines[position-1])
		}
	}
	for _, p := range up.Posts("/closed") {
		if p.Type != "command.closed" || !strings.Contains(p.Data, `"event":"closed"`) {
			t.Errorf("a hook for outcomes got %s", p.Body)
		}
	}
	down.Up()
	if !down.Until("/late", patience, hooktest.Reached(uint64(len(lines)))) {
		t.Fatalf("got %d posts after it was down", len(down.Posts("/late")))
	}
	for i, p := range down.Posts("/late") {
		if p.ID != all[i].ID || p.Body != all[i].Body {
			t.Errorf("post %d is %s, to the other endpoint %s", i, p.Body, all[i].Body)
		}
	}
}

// TestWebhooksContinueAfterARestart: a new process sends what the old one did not, and nothing else.
func TestWebhooksContinueAfterARestart(t *testing.T) {
	r := hooktest.New(t)
	cfg := local(t)
	cfg.WebhooksFile = hooktest.File(t, r.Row("/ops", ""))
	s := launch(t, cfg)
	accept(t, s.url, nil)
	lines := issue(t, s.url, `{}`, 2)
	if !r.Until("/ops", patience, hooktest.Reached(uint64(len(lines)))) {
		t.Fatal("nothing was posted")
	}
	r.Down()
	lines = issue(t, s.url, `{}`, 2)
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	r.Up()
	launch(t, cfg)
	if !r.Until("/ops", patience, hooktest.Reached(uint64(len(lines)))) {
		t.Fatal("nothing was posted after the restart")
	}
	posts := r.Posts("/ops")
	for i, p := range posts {
		if p.Position != posts[0].Position+uint64(i) {
			t.Errorf("post %d is position %d after %d", i, p.Position, posts[0].Position)
		}
	}
}

// TestAnEndpointThatIsGone gets nothing more until the file is read again.
func TestAnEndpointThatIsGone(t *testing.T) {
	r := hooktest.New(t)
	r.Answer("/gone", http.StatusGone)
	cfg := local(t)
	cfg.WebhooksFile, cfg.Reloads = hooktest.File(t, r.Row("/gone", ""), r.Row("/other", "")), &Reloads{}
	s := launch(t, cfg)
	accept(t, s.url, nil)
	lines := issue(t, s.url, `{}`, 3)
	last := hooktest.Reached(uint64(len(lines)))
	if !r.Until("/other", patience, last) || len(r.Posts("/gone")) > 1 {
		t.Errorf("%d posts to the endpoint that is gone", len(r.Posts("/gone")))
	}
	r.Answer("/gone", http.StatusOK)
	for _, f := range cfg.Reloads.Files() {
		if err := f.Read(); err != nil || f.Path != cfg.WebhooksFile {
			t.Errorf("%s: %v", f.Path, err)
		}
	}
	if !r.Until("/gone", patience, last) {
		t.Error("nothing is posted after the reload")
	}
}

func TestAWebhooksFileThatIsNotValidIsAnErrorOfTheStart(t *testing.T) {
	cfg := local(t)
	cfg.WebhooksFile = filepath.Join(t.TempDir(), "webhooks.yaml")
	for text, want := range map[string]string{
		"":                              "no such file",
		"webhooks: [{name: x}]":         `line 1, webhook x: url is missing`,
		"webhooks: [{name: x, url: 1}]": "line 1, webhook x: url must be an address",
	} {
		if text != "" {
			if err := os.WriteFile(cfg.WebhooksFile, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := Run(t.Context(), cfg, func(string) { t.Error("it listens") })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
		_ = os.Remove(cfg.WebhooksFile)
	}
}
