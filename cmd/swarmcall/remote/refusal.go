package remote

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/swarmcall/swarmcall/api/client"
)

// Refusal is an answer that says why a request was refused (RFC 9457).
type Refusal struct{ client.Problem }

func (r *Refusal) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", r.Status, r.Code)
	if r.Detail != "" {
		b.WriteString(": " + r.Detail)
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
			Code: client.ProblemCode(http.StatusText(status)), Detail: strings.TrimSpace(string(body[:min(len(body), enough)])),
		}
	}
	r.Status = status
	return r
}
