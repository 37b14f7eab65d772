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

// Target says which drivers; empty: all active ones.
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

// Issue has the server write the command into its log and send it, once however often it must be asked: key stands for
// it. The entry that comes back is still open as a rule; Outcome waits for it.
func (c *Client) Issue(ctx context.Context, s Submission, key string) (Answer[Entry], error) {
	prefer := "respond-async"
	return c.post(ctx, s, &api.SubmitCommandParams{Prefer: &prefer, IdempotencyKey: &key}, nil)
}

// Submit is Issue that waits for the outcome in the same request, and tells how long its answer took, read whole.
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

// longestPiece is the longest wait in one request. Proxies lose patience with long ones, and a server that stops in
// the midst of one may take as long to be missed.
const longestPiece = 8 * time.Second

// OutcomeLimit is how long to wait for the outcome of an entry: past its deadline, for it to be durable and told.
func OutcomeLimit(e Entry) time.Duration {
	const slack = 5 * time.Second
	return time.Duration(e.DeadlineMs)*time.Millisecond + slack
}

// Outcome waits for the outcome of an entry, at most for limit. An entry that is pending then is returned as it is.
// When the server becomes unavailable in the midst of the waiting, and for longer than patience, the outcome is open.
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

// StillOpen is the error of a wait for the outcome of an entry that the server has, when the server cannot be reached
// any more: the command goes on, or will when the server is back. Other errors stay what they are.
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

// Closed tells an entry whose outcome is known.
func Closed(e Entry) bool { return e.Status != api.StatusPending }

// CommandOf reads the command of an entry.
func CommandOf(e Entry) Command {
	var c Command
	if b, err := e.Command.MarshalJSON(); err == nil {
		_ = json.Unmarshal(b, &c) // a type of tomorrow has its name alone
	}
	return c
}
