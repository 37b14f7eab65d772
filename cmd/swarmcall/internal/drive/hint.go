package drive

import (
	"net/http"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/driver"
)

// hintOn returns the exit code for a refused driver, and a hint. It follows the code of the refusal: the hint is about
// the credential only if the code says so, or if there is no code.
func hintOn(h *driver.HandshakeError) (clierr.Code, string) {
	switch h.Code {
	case "host_not_allowed":
		return clierr.Auth, "start the server with --allowed-hosts for this name, or give the driver its IP address: " +
			"--url"
	case "origin_not_allowed":
		return clierr.Auth, "a proxy between the driver and the server added an Origin header, which only browsers " +
			"send; " +
			"the server's log names it"
	case "unsupported_subprotocol":
		return clierr.Failed, "the server and this swarmcall use different versions of the driver protocol, or " +
			"a proxy between them " +
			"removes Sec-WebSocket-Protocol; compare the versions: swarmcall version"
	case "bad_request":
		return clierr.Failed, "a proxy does not forward WebSockets (headers Connection, Upgrade): see " +
			"docs/howto/proxy.md"
	case "not_found", "method_not_allowed":
		return clierr.Failed, "is the path of --url correct? The dashboard shows the address of the server"
	case "":
		return strangeHint(h.Status)
	}
	if h.Status == http.StatusUnauthorized || h.Status == http.StatusForbidden {
		return clierr.Auth, "is the credential correct, and does it allow driving? See --token-file"
	}
	return clierr.Failed, ""
}

// strangeHint returns the exit code and the hint for an answer that is not from Swarmcall.
func strangeHint(status int) (clierr.Code, string) {
	const strange = "this answer is not from Swarmcall: "
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return clierr.Auth, strange + "a proxy refused the driver"
	case http.StatusNotFound:
		return clierr.Failed, strange + "is the path of --url correct? The dashboard shows the address of the server"
	}
	return clierr.Failed, strange + "is --url correct, and does the proxy there forward WebSockets?"
}
