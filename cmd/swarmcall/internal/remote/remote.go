// Package remote is a server as the command line sees it: the generated client, with refusals as errors. Server is for the demo, which
// starts one itself and knows what to expect; Client is for everybody else.
package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/api/client"
)

// maxBody bounds what is read of an answer.
const maxBody = 32 << 20

// Server speaks to one server.
type Server struct {
	api  client.Client
	http *http.Client
}

// New returns the server at base, such as "http://127.0.0.1:8080". No call takes longer than timeout.
func New(base string, timeout time.Duration) *Server {
	h := &http.Client{Timeout: timeout}
	return &Server{client.Client{Server: strings.TrimRight(base, "/") + "/", Client: h}, h}
}

// CloseIdle closes the connections that are kept for later calls.
func (s *Server) CloseIdle() { s.http.CloseIdleConnections() }

// Ready returns nil once the server takes commands.
func (s *Server) Ready(ctx context.Context) error {
	body, err := read(func() (*http.Response, error) { return s.api.Readyz(ctx) })
	if err == nil && !has(body, "checks") { // a proxy may answer 200 to anything
		err = errors.New("not an answer of Swarmcall")
	}
	return err
}

// Roster returns up to 1000 drivers, with counts of all.
func (s *Server) Roster(ctx context.Context) (page client.DriverPage, err error) {
	most := int32(1000)
	err = decode(&page, func() (*http.Response, error) {
		return s.api.ListDrivers(ctx, &client.ListDriversParams{Limit: &most})
	})
	return page, err
}

// Newest returns the newest n commands, newest first.
func (s *Server) Newest(ctx context.Context, n int32) ([]client.Entry, error) {
	var page client.EntryPage
	err := decode(&page, func() (*http.Response, error) {
		return s.api.ListCommands(ctx, &client.ListCommandsParams{Limit: &n})
	})
	return page.Items, err
}

// Submit sends a command and waits for its outcome.
func (s *Server) Submit(ctx context.Context, c client.CommandRequest) (e client.Entry, err error) {
	err = decode(&e, func() (*http.Response, error) {
		return s.api.SubmitCommand(ctx, &client.SubmitCommandParams{}, c)
	})
	return e, err
}

func decode(into any, call func() (*http.Response, error)) error {
	b, err := read(call)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("not an answer of Swarmcall: %w", err)
	}
	return nil
}

// read returns the body of an answer, or the refusal in its place. The generated client's own reading would take a proxy's page
// for no answer at all.
func read(call func() (*http.Response, error)) ([]byte, error) {
	resp, err := call()
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, refused(resp.StatusCode, b)
	}
	return b, nil
}
