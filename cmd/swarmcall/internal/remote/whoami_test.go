package remote_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

func dialWith(t *testing.T, token string, r reply) *remote.Client {
	t.Helper()
	c, err := remote.Dial(remote.Config{URL: "http://swarm", From: "--url", Token: token, HTTP: &scripted{
		answers: []reply{r},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhoami(t *testing.T) {
	asked := ""
	c := dialWith(t, "swc_x", reply{func(r *http.Request) (*http.Response, error) {
		asked = r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization")
		return status(200, `{"name": "ci", "role": "controller", "scope": {"team": "shop"}, "expires_at": null}`).do(r)
	}})
	a, err := c.Whoami(t.Context())
	if err != nil || a.Value.Name != "ci" || a.Value.Scope["team"] != "shop" || a.Value.ExpiresAt != nil {
		t.Errorf("%+v, %v", a.Value, err)
	}
	if asked != "GET /whoami Bearer swc_x" {
		t.Errorf("it sent %s", asked)
	}
	c = dialWith(t, "swc_x", status(200, "<h1>Welcome</h1>"))
	if _, err := c.Whoami(t.Context()); clierr.CodeOf(err) != clierr.Unreachable {
		t.Errorf("a page of a proxy: %v", err)
	}
}

// TestDenials: each refusal because of the sender exits 4 and says what to do about it.
func TestDenials(t *testing.T) {
	for _, tc := range []struct {
		token, answer string
		status        int
		want          string
	}{
		{"", `{"code": "unauthenticated"}`, 401, "swarmcall login"},
		{"", `{"code": "unauthenticated"}`, 401, "SWARMCALL_TOKEN_FILE"},
		{"swc_x", `{"code": "unauthenticated"}`, 401, "does not know the token"},
		{"swc_x", `{"code": "token_expired"}`, 401, "get a new token"},
		{"swc_x", `{"code": "forbidden", "detail": "eve has the role viewer; this needs the role controller"}`, 403,
			"eve has the role viewer"},
		{"swc_x", `{"code": "forbidden"}`, 403, "swarmcall whoami"},
		{"swc_x", `{"code": "outside_scope", "labels": {"team": "shop", "at": "the north"}}`, 403,
			"add --label 'at=the north' --label team=shop"},
		{"swc_x", `{"code": "outside_scope"}`, 403, "swarmcall whoami"},
		{"swc_x", `{"code": "submitter_mismatch"}`, 403, "omit --submitter"},
		{"swc_x", `{"code": "of_a_later_version"}`, 403, "--token-file"},
	} {
		_, err := dialWith(t, tc.token, status(tc.status, tc.answer)).Drivers(t.Context(), remote.DriverFilter{})
		if clierr.CodeOf(err) != clierr.Auth {
			t.Errorf("%s: code %d", tc.answer, clierr.CodeOf(err))
		}
		if text := clierr.Text(err); !strings.Contains(text, tc.want) || strings.Contains(text, "swc_x") {
			t.Errorf("%s: want %q in\n%s", tc.answer, tc.want, text)
		}
	}
}
