package remote

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// RefusalOf returns the server's refusal in err's chain, nil if there is none.
func RefusalOf(err error) *Refusal {
	p, _ := errors.AsType[*Refusal](err)
	return p
}

// Newer returns the seq of the newer command that made the server refuse one; ok is false for any other error.
func Newer(err error) (seq int64, ok bool) {
	p := RefusalOf(err)
	if p == nil || p.Code != api.NewerCommand || p.Seq == nil {
		return 0, false
	}
	return *p.Seq, true
}

// refused converts an answer that is not a success to an error; failures are what happened at each of several servers.
func (c *Client) refused(what string, resp *http.Response, body []byte, failures []string) error {
	p := refused(resp.StatusCode, body)
	if p.RequestId == "" {
		p.RequestId = resp.Header.Get("X-Request-Id")
	}
	code, hint := c.advice(p)
	return &clierr.Error{
		Code: code, What: "cannot " + what, Cause: p, Detail: append(p.evidence(), failures...), Hint: hint,
	}
}

// advice returns the exit code of a refusal, and a hint.
func (c *Client) advice(p *Refusal) (clierr.Code, string) {
	switch p.Code {
	case api.NoActiveDrivers:
		return clierr.TooFew, noDriversHint(p)
	case api.NotEnoughDrivers:
		return clierr.TooFew, "wait for more drivers: swarmcall wait drivers N --timeout 60s; or lower --min-drivers"
	case api.NewerCommand:
		return clierr.Superseded, newerHint(p)
	case api.IdempotencyKeyReused:
		return clierr.Usage, "this --idempotency-key belongs to another command: " + p.look("swarmcall commands list") +
			"; omit it to get a new one"
	case api.InvalidCommand, api.BadRequest, api.MalformedJson:
		if p.cannotDryRun() {
			return clierr.Usage, "the server is older than this swarmcall and does not support dry runs; " +
				"list the drivers: swarmcall drivers list"
		}
		return clierr.Usage, "correct the named value; nothing was sent to any driver"
	case api.OutcomeNotRecorded:
		return clierr.Timeout, "the command was sent; read its outcome later: " + p.look("swarmcall commands list")
	}
	if code, hint := c.misdirected(p); hint != "" {
		return code, hint
	}
	switch p.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return clierr.Auth, c.denied(p)
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return clierr.Unreachable, "try again later, or retry for longer: --retry-for 1m; see swarmcall doctor"
	}
	return clierr.Failed, "see the server's log for details of this request"
}

// misdirected returns the hint for a request that did not reach the right server or path; "" if it did.
func (c *Client) misdirected(p *Refusal) (clierr.Code, string) {
	switch p.Code {
	case api.HostNotAllowed:
		return clierr.Auth, "start the server with --allowed-hosts for this name, or use its IP address (the address " +
			"is from " + c.cfg.From + ")"
	case api.OriginNotAllowed:
		return clierr.Auth, "a proxy between this host and the server added an Origin header, which only browsers " +
			"send; the " +
			"server's log names it"
	case api.UnsupportedSubprotocol:
		return clierr.Failed, "the server and this swarmcall use different versions of the driver protocol: " +
			"swarmcall version"
	case api.NotFound:
		return clierr.Failed, "list what exists: swarmcall commands list, swarmcall drivers list"
	case api.MethodNotAllowed:
		return clierr.Failed, "the server is older than this swarmcall; compare: swarmcall version"
	}
	return 0, ""
}

// noDriversHint distinguishes a Stop with a misspelt target from one whose drivers have deregistered; the server knows
// which.
func noDriversHint(p *Refusal) string {
	if p.NothingToStop != nil && !*p.NothingToStop {
		return "check the spelling of the target; list the drivers and their labels: swarmcall drivers list"
	}
	return "list the drivers: swarmcall drivers list; wait for them: swarmcall wait drivers N"
}

// newerHint handles two special cases: a reset of the server is newer too, but not an entry; and 0 means that these
// drivers have never been commanded.
func newerHint(p *Refusal) string {
	switch {
	case p.Seq != nil && *p.Seq == 0:
		return "no command has set these players yet; use --if-seq 0"
	case p.Seq != nil && p.Entry == nil:
		return fmt.Sprintf("position %d of the log is newer; see what is desired now: swarmcall state", *p.Seq)
	}
	return "a newer command exists: " + p.look("swarmcall commands list")
}

// unanswered is the error when no server answered.
func (c *Client) unanswered(what string, err error) error {
	if f, ok := errors.AsType[foreignAnswer](err); ok {
		return c.stranger(what, f, failuresOf(err))
	}
	return c.unreachable(what, err)
}

// unreachable is the error when there was no answer.
func (c *Client) unreachable(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return &clierr.Error{Code: clierr.Interrupted, What: "interrupted; did not " + what}
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return c.throughProxy(&clierr.Error{
			Code: clierr.Unreachable, What: "cannot " + what, Cause: cause(err), Detail: failuresOf(err),
			Hint: "if this CA is your own, name its file: --ca-file or SWARMCALL_CA_FILE",
		})
	}
	return c.throughProxy(&clierr.Error{
		Code: clierr.Unreachable, What: "cannot " + what, Cause: cause(err), Detail: failuresOf(err),
		Hint: "is the server running at " + c.URL() + " (from " + c.cfg.From + ")? See swarmcall doctor",
	})
}

// cause removes what net/http adds to the reason: method and address are already in the error.
func cause(err error) error {
	if u, ok := errors.AsType[*unavailable](err); ok {
		plain := *u
		plain.error = cause(u.error)
		return &plain
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
