package remote

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// problemType is the prefix of the type of every problem document of Swarmcall.
const problemType = "urn:swarmcall:problem:"

// foreignAnswer is the error of an answer that is not from Swarmcall. It says nothing about the request: a proxy
// answers this way for a server that restarts.
type foreignAnswer struct {
	status int
	what   string
	wait   time.Duration // the wait before the next try that the answer asks for
}

func (f foreignAnswer) Error() string { return "a proxy or another server answered " + f.what }

// foreign returns an error for an answer that is not from Swarmcall, nil for one that is. Only a problem document of
// Swarmcall is a refusal, and only JSON with the requested content is a success.
func foreign(req *http.Request, resp *http.Response, body []byte) error {
	if ours(req, resp, body) {
		return nil
	}
	return foreignAnswer{resp.StatusCode, describe(resp, len(body)), retryAfter(resp.Header)}
}

func ours(req *http.Request, resp *http.Response, body []byte) bool {
	switch {
	case resp.StatusCode/100 == 2:
		return has(body, member(req))
	case resp.StatusCode == http.StatusServiceUnavailable && has(body, "checks"): // that is no problem document
		return strings.HasSuffix(req.URL.Path, "/readyz")
	}
	return isProblem(resp, body)
}

// isProblem reports whether a document is a problem document of Swarmcall. Its code may be unknown to this program.
func isProblem(resp *http.Response, body []byte) bool {
	var p struct{ Type, Code string }
	return mediaType(resp) == "application/problem+json" && json.Unmarshal(body, &p) == nil &&
		strings.HasPrefix(p.Type, problemType) && p.Code != ""
}

// member returns the field that every successful answer to a request has.
func member(req *http.Request) string {
	path := req.URL.Path
	switch {
	case req.Context().Value(repeatable{}) != nil:
		return "targets"
	case req.Method == http.MethodPost, strings.Contains(path, "/commands/"):
		return "seq"
	case strings.HasSuffix(path, "/drivers"), strings.HasSuffix(path, "/commands"), strings.HasSuffix(path, "/state"),
		strings.HasSuffix(path, "/nodes"):
		return "items"
	case strings.Contains(path, "/drivers/"):
		return "driver_id"
	case strings.HasSuffix(path, "/readyz"):
		return "checks"
	case strings.HasSuffix(path, "/whoami"):
		return "name"
	}
	return strings.TrimPrefix(path[strings.LastIndex(path, "/"):], "/") // /version has a version
}

// has reports whether body is a JSON object with this field. It does not parse long lists a second time.
func has(body []byte, member string) bool {
	return len(body) > 0 && body[0] == '{' && bytes.Contains(body, []byte(strconv.Quote(member))) && json.Valid(body)
}

func mediaType(resp *http.Response) string {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return kind
}

// describe identifies who answered, from the answer's headers: "404 text/html, server: nginx".
func describe(resp *http.Response, size int) string {
	text := strconv.Itoa(resp.StatusCode)
	switch kind := mediaType(resp); {
	case kind != "":
		text += " " + kind
	case size == 0 && resp.StatusCode/100 != 3:
		text += " without a body"
	}
	if to := resp.Header.Get("Location"); to != "" {
		text += " to " + to
	}
	if name := resp.Header.Get("Server"); name != "" {
		text += ", server: " + name
	}
	if id := resp.Header.Get("X-Request-Id"); id != "" {
		text += " (request " + id + ")"
	}
	return text
}

// stranger is the error about an answer that is not from Swarmcall, when there is no time left to retry. The forward
// proxy may have answered.
func (c *Client) stranger(what string, f foreignAnswer, failures []string) error {
	at := c.URL() + " (from " + c.cfg.From + ")"
	hint := "is " + at + " the address of Swarmcall, and is the server behind it running? See swarmcall doctor"
	switch f.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		hint = "this answer is not from Swarmcall: something between this host and the server refused; " +
			"is " + at + " right?"
	case http.StatusNotFound:
		hint = "this answer is not from Swarmcall: is the server running, and is a path missing in " + at +
			"? The dashboard shows the address"
	}
	return c.throughProxy(&clierr.Error{
		Code: clierr.Unreachable, What: "cannot " + what, Cause: f, Detail: failures, Hint: hint,
	})
}
