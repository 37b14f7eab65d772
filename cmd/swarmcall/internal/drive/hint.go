package drive

import (
	"errors"
	"io/fs"
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
	case "unauthenticated":
		return clierr.Auth, "the server does not know the token, or none was given: --token-file or " +
			"SWARMCALL_TOKEN_FILE"
	case "token_expired":
		return clierr.Auth, "get a new token from who keeps the server's auth file (there: swarmcall token new)"
	case "forbidden":
		return clierr.Auth, "the token must have the role driver: swarmcall token new NAME --role driver"
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

// hintOnFile returns the exit code for a file that cannot be used, and a hint.
func hintOnFile(f *driver.FileError) (clierr.Code, string) {
	if f.Field == "CAFile" {
		return clierr.Usage, "the file is named by --ca-file, SWARMCALL_CA_FILE or the settings files: swarmcall config " +
			"view --origin"
	}
	const named = "the file is named by --token-file, SWARMCALL_TOKEN_FILE or the settings files: swarmcall config " +
		"view --origin"
	if _, unreadable := errors.AsType[*fs.PathError](f); unreadable {
		return clierr.Auth, named
	}
	return clierr.Usage, named
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
