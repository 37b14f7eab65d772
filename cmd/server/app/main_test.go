package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// instance is a server that runs in this process.
type instance struct {
	url   string
	stop  context.CancelFunc
	ended chan error
}

// launch runs a server and returns once it answers requests.
func launch(t *testing.T, cfg Config) *instance {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &instance{stop: stop, ended: make(chan error, 1)}
	addr := make(chan string, 1)
	go func() { s.ended <- Run(ctx, cfg, func(a string) { addr <- a }) }()
	select {
	case a := <-addr:
		s.url = "http://" + a
	case err := <-s.ended:
		stop()
		t.Fatalf("the server did not start: %v", err)
	}
	t.Cleanup(func() { _ = s.end() })
	return s
}

// end stops the server, unless that was done before, and returns the result of Run.
func (s *instance) end() error {
	s.stop()
	err := <-s.ended
	s.ended <- err
	return err
}

// local returns the configuration of a test server.
func local(t *testing.T) Config {
	cfg := Defaults()
	cfg.Listen, cfg.DataDir, cfg.HeartbeatInterval = "127.0.0.1:0", t.TempDir(), 50*time.Millisecond
	return cfg
}

// fetch sends a request on a connection of its own and decodes the answer.
func fetch(t *testing.T, method, url, body string, into any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
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
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatalf("%s %s: %v in %s", method, url, err, b)
		}
	}
	return resp.StatusCode
}

// entry has the fields of an entry or a problem document that the tests check.
type entry struct {
	Seq     uint64
	Status  any
	Code    string
	Missing []struct {
		DriverID string `json:"driver_id"`
		Reason   string
	}
}
