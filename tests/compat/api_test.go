package compat

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// entry has the fields of a log entry that these tests read.
type entry struct {
	Seq      uint64
	Status   string
	Counts   struct{ Targeted, Acked, Rejected, Missing, Late int }
	Acked    []verdict
	Rejected []verdict
}

type verdict struct {
	DriverID string `json:"driver_id"`
	Code     string
}

// get reads JSON from a server.
func get(url string, into any) error {
	resp, err := plain.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return json.NewDecoder(resp.Body).Decode(into)
}

// active returns how many drivers are active.
func active(url string) int {
	var roster struct{ Counts struct{ Active int } }
	if get(url+"/drivers?limit=1", &roster) != nil {
		return 0
	}
	return roster.Counts.Active
}

// post sends a command; headers are NAME: VALUE.
func post(t *testing.T, url, body string, headers ...string) (e entry, replayed bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/commands", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := plain.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s: %d %s %v", body, resp.StatusCode, answer, err)
	}
	if err := json.Unmarshal(answer, &e); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return e, resp.Header.Get("Idempotent-Replayed") == "true"
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }
