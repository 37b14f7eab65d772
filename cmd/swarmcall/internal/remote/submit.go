package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/command"
)

// Entry is one command of the log with its outcome.
type Entry = api.Entry

// Command is what a submission commands.
type Command = command.Command

// Target selects drivers; empty: all active ones.
type Target struct {
	DriverIDs []string          `json:"driver_ids,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
}

// Submission is the body of POST /commands.
type Submission struct {
	Submitter  string  `json:"submitter,omitempty"`
	Command    Command `json:"command"`
	DeadlineMS int64   `json:"deadline_ms,omitempty"`
	Target     *Target `json:"target,omitempty"`
	MinDrivers int     `json:"min_drivers,omitempty"`
	IfSeq      *int64  `json:"if_seq,omitempty"`
	DryRun     bool    `json:"dry_run,omitempty"`
}

// NewKey makes an idempotency key.
func NewKey() string { return "cli-" + rand.Text() }

// Issue makes the server log the command and send it. key identifies it, so the command is sent once, even if the
// request is repeated. The returned entry is usually still open; Outcome waits for its outcome.
func (c *Client) Issue(ctx context.Context, s Submission, key string) (Answer[Entry], error) {
	prefer := "respond-async"
	return c.post(ctx, s, &api.SubmitCommandParams{Prefer: &prefer, IdempotencyKey: &key}, nil)
}

// Submit is like Issue, but waits for the outcome in the same request, and returns how long the answer took until it
// was completely read. It is only for a measurement of this round trip: the request may last up to longestWait, a proxy
// may cut it off, and after a failure the outcome is not known. Otherwise use Issue and Outcome.
func (c *Client) Submit(
	ctx context.Context, s Submission, key string,
) (a Answer[Entry], took time.Duration, err error) {
	a, err = c.post(ctx, s, &api.SubmitCommandParams{IdempotencyKey: &key}, &took)
	return a, took, err
}

func (c *Client) post(
	ctx context.Context, s Submission, params *api.SubmitCommandParams, took *time.Duration,
) (Answer[Entry], error) {
	body, err := json.Marshal(s)
	if err != nil {
		return Answer[Entry]{}, err
	}
	return answer[Entry](c, "send "+s.Command.String(), func() (*http.Response, error) {
		if took != nil {
			defer func(began time.Time) { *took = time.Since(began) }(time.Now())
		}
		return c.api.SubmitCommandWithBody(ctx, params, "application/json", bytes.NewReader(body))
	})
}

// longestPiece is the longest wait in one request. Proxies cut off longer ones, and if a server stops during a request,
// the failure may be noticed only after this time.
const longestPiece = 8 * time.Second

// OutcomeLimit returns how long to wait for the outcome of an entry: longer than its deadline, so that the outcome can
// be stored and sent.
func OutcomeLimit(e Entry) time.Duration {
	const slack = 5 * time.Second
	return time.Duration(e.DeadlineMs)*time.Millisecond + slack
}

// Outcome waits for the outcome of an entry, at most for limit. If it is still pending then, Outcome returns it as it
// is. If the server becomes unavailable during the wait for longer than patience, the outcome is open.
func (c *Client) Outcome(ctx context.Context, seq int64, limit time.Duration) (Answer[Entry], error) {
	open := false
	for end := time.Now().Add(limit); ; {
		wait := max(min(time.Until(end), longestPiece), 0).Milliseconds()
		a, err := answer[Entry](c, fmt.Sprintf("read entry %d", seq), func() (*http.Response, error) {
			return c.api.GetCommand(ctx, seq, &api.GetCommandParams{WaitMs: &wait})
		})
		if err != nil && open {
			return a, StillOpen(seq, err)
		}
		if err != nil || Closed(a.Value) || !time.Now().Before(end) {
			return a, err
		}
		open = true
	}
}

// StillOpen is the error of a wait for an outcome when the server, which has the entry, can no longer be reached: the
// command continues, now or when the server is available again. Other errors are unchanged.
func StillOpen(seq int64, err error) error {
	if clierr.CodeOf(err) != clierr.Unreachable {
		return err
	}
	return &clierr.Error{
		Code: clierr.Timeout, What: fmt.Sprintf("the server is unavailable; the outcome of entry %d is still "+
			"open", seq),
		Cause: err,
		Hint:  fmt.Sprintf("the command continues; see its outcome: swarmcall commands show %d", seq),
	}
}

// Closed reports whether the outcome of an entry is known.
func Closed(e Entry) bool { return e.Status != api.StatusPending }

// CommandOf returns the command of an entry.
func CommandOf(e Entry) Command {
	var c Command
	if b, err := e.Command.MarshalJSON(); err == nil {
		_ = json.Unmarshal(b, &c) // a type of a later version has only its name
	}
	return c
}
