package drive_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/driver"
)

// TestHintsFollowTheCode: a driver that used a service name once got a hint about its credential.
func TestHintsFollowTheCode(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		exit   clierr.Code
		hint   string
	}{
		{403, "host_not_allowed", clierr.Auth, "--allowed-hosts"}, {403, "origin_not_allowed", clierr.Auth, "Origin"},
		{400, "unsupported_subprotocol", clierr.Failed, "versions"}, {400, "bad_request", clierr.Failed, "Upgrade"},
		{404, "not_found", clierr.Failed, "path"}, {101, "unsupported_subprotocol", clierr.Failed, "versions"},
		{404, "", clierr.Failed, "not from Swarmcall"}, {403, "", clierr.Auth, "not from Swarmcall"},
		{426, "", clierr.Failed, "WebSockets"},
		{401, "unauthenticated", clierr.Auth, "--token-file"}, {403, "forbidden", clierr.Auth, "role driver"},
		{401, "token_expired", clierr.Auth, "get a new token"}, {403, "of_a_later_version", clierr.Auth, "credential"},
	} {
		err := drive.Refused("http://swarmcall:8080", &driver.HandshakeError{Status: c.status, Code: c.code})
		e, ok := errors.AsType[*clierr.Error](err)
		if !ok || e.Code != c.exit || !strings.Contains(e.Hint, c.hint) ||
			(strings.Contains(e.Hint, "credential") != (c.hint == "credential")) {
			t.Errorf("%d %s: exit code %d, the hint is %q", c.status, c.code, e.Code, e.Hint)
		}
	}
}
