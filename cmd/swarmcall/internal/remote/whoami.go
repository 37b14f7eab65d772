package remote

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Identity is who the server takes the sender of a request for.
type Identity struct {
	Name      string            `json:"name"`
	Role      string            `json:"role"`
	Scope     map[string]string `json:"scope"`
	ExpiresAt *time.Time        `json:"expires_at"` // nil: never
}

// Whoami reads whom the token belongs to.
func (c *Client) Whoami(ctx context.Context) (Answer[Identity], error) {
	return answer[Identity](c, "find out whom the token belongs to", func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/whoami", http.NoBody)
		if err != nil {
			return nil, err
		}
		return c.doer.Do(req)
	})
}

// hasToken reports whether requests carry a token.
func (c *Client) hasToken() bool { return c.doer.header.Get("Authorization") != "" }

// denied returns the hint for a request that the server refused because of who sent it.
func (c *Client) denied(p *Refusal) string {
	switch swarm.Code(p.Code) {
	case swarm.CodeUnauthenticated:
		if !c.hasToken() {
			return "no token was sent; name a file that has one: --token-file or SWARMCALL_TOKEN_FILE; or store one: " +
				"swarmcall login"
		}
		return "the server does not know the token, or it was revoked; get another, and store it: swarmcall login"
	case swarm.CodeTokenExpired:
		return "get a new token from who keeps the server's auth file (there: swarmcall token new), and store it: " +
			"swarmcall login"
	case swarm.CodeForbidden:
		return "the role of the token does not allow this, see swarmcall whoami; use a token of another role: " +
			"--token-file"
	case swarm.CodeOutsideScope:
		if flags := labelFlags(p.Labels); flags != "" {
			return "the token is only for drivers with these labels; add " + flags
		}
		return "the token is only for drivers with certain labels; see swarmcall whoami"
	case swarm.CodeSubmitterMismatch:
		return "omit --submitter: with a token the server takes the name from it; see swarmcall whoami"
	}
	return "use a token with permission for this: --token-file or SWARMCALL_TOKEN_FILE"
}

// labelFlags formats labels as flags, to copy.
func labelFlags(labels map[string]string) string {
	var words []string
	for _, label := range LabelFilter(labels) {
		words = append(words, "--label", quoted(label))
	}
	return strings.Join(words, " ")
}
