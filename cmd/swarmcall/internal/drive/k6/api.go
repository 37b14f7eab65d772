package k6

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// requestTimeout bounds a request: k6 may never answer a request after the end of its run.
const requestTimeout = 60 * time.Second

const maxAnswer = 4 << 20 // bytes; an answer with thousands of metrics is smaller

// api is k6's REST API.
type api struct {
	base   string
	client *http.Client
}

func newAPI(base string) *api {
	// Without a proxy: k6 is on this machine, or at an address that the user gives.
	return &api{base: strings.TrimRight(base, "/"),
		client: &http.Client{Timeout: requestTimeout, Transport: &http.Transport{}}}
}

// status is what k6 reports about its run.
type status struct {
	Paused  bool  `json:"paused"`
	VUs     int64 `json:"vus"`
	VUsMax  int64 `json:"vus-max"`
	Stopped bool  `json:"stopped"`
	Running bool  `json:"running"`
}

// change is what a PATCH sets; nil fields do not change.
type change struct {
	VUs    *int64 `json:"vus,omitempty"`
	VUsMax *int64 `json:"vus-max,omitempty"`
	Paused *bool  `json:"paused,omitempty"`
}

// refusal is an error answer of k6.
type refusal struct {
	Status int    `json:"-"` // of HTTP
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func (r *refusal) Error() string {
	return fmt.Sprintf("k6 answered %d: %s: %s", r.Status, r.Title, r.Detail)
}

type resource[A any] struct {
	Type       string `json:"type,omitempty"`
	ID         string `json:"id,omitempty"`
	Attributes A      `json:"attributes"`
}

type envelope[D any] struct {
	Data D `json:"data"`
}

func (a *api) status(ctx context.Context) (status, error) {
	var s envelope[resource[status]]
	err := a.call(ctx, http.MethodGet, "/v1/status", nil, &s)
	return s.Data.Attributes, err
}

// patch changes the run. It returns when k6 has applied the change.
func (a *api) patch(ctx context.Context, c change) (status, error) {
	body, err := json.Marshal(envelope[resource[change]]{resource[change]{Type: "status", ID: "default",
		Attributes: c}})
	if err != nil {
		return status{}, err
	}
	var s envelope[resource[status]]
	err = a.call(ctx, http.MethodPatch, "/v1/status", body, &s)
	return s.Data.Attributes, err
}

type metric struct {
	Sample map[string]float64 `json:"sample"`
}

// metrics returns samples by metric.
func (a *api) metrics(ctx context.Context) (map[string]map[string]float64, error) {
	var m envelope[[]resource[metric]]
	if err := a.call(ctx, http.MethodGet, "/v1/metrics", nil, &m); err != nil {
		return nil, err
	}
	samples := make(map[string]map[string]float64, len(m.Data))
	for _, r := range m.Data {
		samples[r.ID] = r.Attributes.Sample
	}
	return samples, nil
}

func (a *api) call(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return refused(resp.StatusCode, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("the answer from %s%s is not from k6: %w", a.base, path, err)
	}
	return nil
}

func refused(code int, answer []byte) error {
	var errs struct {
		Errors []refusal `json:"errors"`
	}
	if json.Unmarshal(answer, &errs) != nil || len(errs.Errors) == 0 {
		return &refusal{Status: code, Title: http.StatusText(code), Detail: fmt.Sprintf("%.200s", answer)}
	}
	errs.Errors[0].Status = code
	return &errs.Errors[0]
}
