package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	api "github.com/swarmcall/swarmcall/api/client"
)

// Computed is what GET /commands/{seq} reports about the present state of an entry's drivers, targeted or left out.
type Computed struct {
	Outstanding []string // have not applied it; the first 100
	Lacking     int      // how many have not
	Converged   int      // how many report what it asks for
}

// ComputedOf returns what the server computed for e. ok is false if a newer command for the same setting holds for
// every driver of the entry, or if the server is too old to report it.
func ComputedOf(e Entry) (c Computed, ok bool) {
	if e.Counts.Outstanding == nil || e.Counts.Converged == nil {
		return c, false
	}
	return Computed{deref(e.Outstanding), *e.Counts.Outstanding, *e.Counts.Converged}, true
}

// Deregistered returns all drivers of an entry that have since deregistered. An older server does not report them.
func Deregistered(e Entry) []string { return deref(e.Deregistered) }

// DryRun asks which drivers a command would go to. The server refuses it as it would refuse the command, and changes
// nothing.
func (c *Client) DryRun(ctx context.Context, s Submission) (Answer[api.DryRun], error) {
	s.DryRun = true
	body, err := json.Marshal(s)
	if err != nil {
		return Answer[api.DryRun]{}, err
	}
	ctx = context.WithValue(ctx, repeatable{}, true)
	return answer[api.DryRun](c, "try "+s.Command.String(), func() (*http.Response, error) {
		return c.api.SubmitCommandWithBody(ctx, nil, "application/json", bytes.NewReader(body))
	})
}

// repeatable marks in a context a request that changes nothing, whatever its method.
type repeatable struct{}

// CannotDryRun reports whether err is the refusal of a server that does not support dry runs.
func CannotDryRun(err error) bool {
	p := RefusalOf(err)
	return p != nil && p.cannotDryRun()
}

func (r *Refusal) cannotDryRun() bool {
	return r.Code == api.InvalidCommand &&
		slices.ContainsFunc(deref(r.Errors), func(e api.FieldError) bool { return e.Pointer == "/dry_run" })
}

// NothingToStop reports whether err is the refusal of a Stop whose drivers have deregistered: there is no load to stop.
func NothingToStop(err error) bool {
	p := RefusalOf(err)
	return p != nil && p.Code == api.NoActiveDrivers && deref(p.NothingToStop)
}

// IsRefused reports whether err is a refusal with this code.
func IsRefused(err error, code api.ProblemCode) bool {
	p := RefusalOf(err)
	return p != nil && p.Code == code
}
