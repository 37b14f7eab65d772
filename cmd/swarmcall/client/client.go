// Package client is the little HTTP client of the CLI: JSON in and out, problems as errors.
package client

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

// maxBody bounds what is read of an answer.
const maxBody = 32 << 20

// Client speaks to one server.
type Client struct {
	base string
	http *http.Client
}

// New returns a client for the server at base, such as "http://127.0.0.1:8080". No call takes longer than timeout.
func New(base string, timeout time.Duration) *Client {
	return &Client{base: strings.TrimRight(base, "/"), http: &http.Client{Timeout: timeout}}
}

// Problem is an answer that says why a request was refused (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Detail  string `json:"detail"`
	} `json:"errors"`
	RequestID string `json:"request_id"`
}

func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", p.Status, p.Code)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "; %s %s", e.Pointer, e.Detail)
	}
	if p.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", p.RequestID)
	}
	return b.String()
}

// Ready returns nil once the server takes commands.
func (c *Client) Ready(ctx context.Context) error {
	return c.do(ctx, http.MethodGet, "/readyz", nil, nil)
}

// Roster returns up to 1000 drivers, with counts of all.
func (c *Client) Roster(ctx context.Context) (Roster, error) {
	var r Roster
	err := c.do(ctx, http.MethodGet, "/drivers?limit=1000", nil, &r)
	return r, err
}

// Newest returns the newest n commands, newest first.
func (c *Client) Newest(ctx context.Context, n int) ([]Entry, error) {
	var page struct {
		Items []Entry `json:"items"`
	}
	err := c.do(ctx, http.MethodGet, fmt.Sprintf("/commands?limit=%d", n), nil, &page)
	return page.Items, err
}

// Submit sends a command and waits for its outcome.
func (c *Client) Submit(ctx context.Context, s Submission) (Entry, error) {
	var e Entry
	err := c.do(ctx, http.MethodPost, "/commands", s, &e)
	return e, err
}

// do sends body as JSON and decodes the answer into answer, if those are not nil.
func (c *Client) do(ctx context.Context, method, path string, body, answer any) error {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return fmt.Errorf("%s %s: reading the answer: %w", method, path, err)
	}
	if resp.StatusCode/100 != 2 {
		return problem(resp.StatusCode, b)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("%s %s: not an answer of Swarmcall: %w", method, path, err)
	}
	return nil
}

// problem reads a refusal, whether or not it comes from Swarmcall.
func problem(status int, body []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(body, p) != nil || p.Code == "" {
		const enough = 300
		p = &Problem{Code: http.StatusText(status), Detail: strings.TrimSpace(string(body[:min(len(body), enough)]))}
	}
	p.Status = status
	return p
}

// CloseIdle closes the connections that are kept for later calls.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }
