package remote

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/api/client"
)

// Refusal is an answer with the reason why a request was refused (RFC 9457).
type Refusal struct {
	client.Problem
	Labels map[string]string // of outside_scope: what the target lacks
}

// Says is the detail without the HTTP route that the server suggests. A CLI user needs a command instead, which the
// hint names.
func (r *Refusal) Says() string {
	says := r.Detail
	for _, route := range []string{"; see GET /", ", and see GET /"} {
		says, _, _ = strings.Cut(says, route)
	}
	return says
}

func (r *Refusal) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", r.Status, r.Code)
	if r.Detail != "" {
		b.WriteString(": " + r.Says())
	}
	if r.Have != nil && r.Want != nil {
		fmt.Fprintf(&b, " (%d present, %d required)", *r.Have, *r.Want)
	}
	if r.Errors != nil {
		for _, e := range *r.Errors {
			fmt.Fprintf(&b, "; %s %s", e.Pointer, e.Detail)
		}
	}
	if r.RequestId != "" {
		fmt.Fprintf(&b, " (request %s)", r.RequestId)
	}
	return b.String()
}

// refused reads a refusal, whether or not it comes from Swarmcall.
func refused(status int, body []byte) *Refusal {
	r := &Refusal{}
	if json.Unmarshal(body, &r.Problem) != nil || r.Code == "" {
		const enough = 300
		r.Problem = client.Problem{
			Code:   client.ProblemCode(http.StatusText(status)),
			Detail: strings.TrimSpace(string(body[:min(len(body), enough)])),
		}
	}
	r.Status = status
	var scope struct {
		Labels map[string]string `json:"labels"`
	}
	if json.Unmarshal(body, &scope) == nil {
		r.Labels = scope.Labels
	}
	return r
}

// evidence describes the conflicting entry, or the labels and ids in use, if the server named any.
func (r *Refusal) evidence() []string {
	if r.Entry == nil {
		return InUseLines(r.InUse)
	}
	e := *r.Entry
	return []string{
		fmt.Sprintf("%s sent %s at %s (entry %d)", e.Submitter, CommandOf(e), e.SubmittedAt.Format(time.RFC3339),
			e.Seq),
	}
}

// look returns the command that shows the entry of a refusal; otherwise if it names none.
func (r *Refusal) look(otherwise string) string {
	if r.Seq == nil || *r.Seq == 0 {
		return otherwise
	}
	return fmt.Sprintf("swarmcall commands show %d", *r.Seq)
}
