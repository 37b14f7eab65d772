package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	api "github.com/swarmcall/swarmcall/api/client"
)

// Computed is what GET /commands/{seq} says about the drivers of an entry, targeted or left out, as they are by now.
type Computed struct {
	Outstanding []string // have not applied it; the first 100
	Lacking     int      // how many have not
	Converged   int      // how many report what it asks for
}

// ComputedOf reads it. Without ok a newer command for the same setting holds for every driver of the entry, or the
// server is older than these answers.
func ComputedOf(e Entry) (c Computed, ok bool) {
	if e.Counts.Outstanding == nil || e.Counts.Converged == nil {
		return c, false
	}
	return Computed{deref(e.Outstanding), *e.Counts.Outstanding, *e.Counts.Converged}, true
}

// Deregistered are the drivers of an entry that have deregistered since, all of them. An older server does not say.
func Deregistered(e Entry) []string { return deref(e.Deregistered) }

// DryRun asks which drivers a command would go to. The server refuses as it would refuse the command, and does nothing.
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

// repeatable marks in a context a request that changes nothing, whatever its method is.
type repeatable struct{}

// CannotDryRun tells the refusal of a server that does not know dry runs yet.
func CannotDryRun(err error) bool {
	p := RefusalOf(err)
	return p != nil && p.cannotDryRun()
}

func (r *Refusal) cannotDryRun() bool {
	return r.Code == api.InvalidCommand &&
		slices.ContainsFunc(deref(r.Errors), func(e api.FieldError) bool { return e.Pointer == "/dry_run" })
}

// NothingToStop tells the refusal of a Stop whose drivers have left: there is no load that it could end.
func NothingToStop(err error) bool {
	p := RefusalOf(err)
	return p != nil && p.Code == api.NoActiveDrivers && deref(p.NothingToStop)
}

// IsRefused tells a refusal for such a cause.
func IsRefused(err error, code api.ProblemCode) bool {
	p := RefusalOf(err)
	return p != nil && p.Code == code
}
