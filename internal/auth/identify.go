package auth

import (
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// CookieName is the name of the dashboard's session cookie.
const CookieName = "swarmcall_session"

// maxSecretBytes bounds what is hashed: longer than any token of this server.
const maxSecretBytes = 1 << 10

// Prefixes of swarm.Principal.Credential.
const (
	tokenPrefix  = "token:"
	cookiePrefix = "cookie:"
)

func isCookie(p swarm.Principal) bool { return strings.HasPrefix(p.Credential, cookiePrefix) }

func fingerprintOf(p swarm.Principal) string {
	_, fingerprint, _ := strings.Cut(p.Credential, ":")
	return fingerprint
}

// TurnAway counts a request without a valid credential. It returns the error of Identify, or another if the address of
// the request sends too many.
func (k *Keeper) TurnAway(r *http.Request, err error) error {
	if k.cfg.Unknown == nil {
		return err
	}
	if wait, ok := k.cfg.Unknown(addressOf(r)); !ok {
		return &swarm.Error{
			Code: swarm.CodeRateLimited, Detail: "too many requests of this address without a valid credential",
			Attrs: map[string]any{"retry_after": wait},
		}
	}
	return err
}

// Identify returns the principal of the bearer token of a request, or else of its session cookie.
func (k *Keeper) Identify(r *http.Request) (swarm.Principal, error) {
	if lines := r.Header.Values("Authorization"); len(lines) > 0 {
		secret, ok := bearer(lines)
		if !ok {
			return swarm.Principal{}, swarm.Errorf(swarm.CodeUnauthenticated,
				"the header Authorization must be Bearer and a token, once")
		}
		return k.byToken(secret)
	}
	if c, err := r.Cookie(CookieName); err == nil {
		return k.byCookie(c.Value)
	}
	return swarm.Principal{}, swarm.Errorf(swarm.CodeUnauthenticated,
		"this server needs a credential: send Authorization: Bearer and a token; swarmcall takes --token-file")
}

func bearer(lines []string) (secret string, ok bool) {
	if len(lines) != 1 {
		return "", false
	}
	scheme, secret, ok := strings.Cut(lines[0], " ")
	secret = strings.TrimSpace(secret)
	return secret, ok && strings.EqualFold(scheme, "Bearer") && secret != ""
}

func (k *Keeper) byToken(secret string) (swarm.Principal, error) {
	if len(secret) <= maxSecretBytes {
		hash := authfile.Hash(secret)
		if r, ok := k.current.Load().find(hash); ok {
			return admitted(r, tokenPrefix+authfile.Fingerprint(hash), r.token.Expires)
		}
	}
	return swarm.Principal{}, swarm.Errorf(swarm.CodeUnauthenticated,
		"this server does not know the token; it may have been revoked")
}

func (k *Keeper) byCookie(value string) (swarm.Principal, error) {
	s, ok := k.seal.open(value)
	if ok && !k.signedOut(s.ID) {
		if r, ok := k.current.Load().find(s.hash()); ok {
			expires := s.expires()
			if !r.token.Expires.IsZero() && r.token.Expires.Before(expires) {
				expires = r.token.Expires
			}
			return admitted(r, cookiePrefix+authfile.Fingerprint(s.hash()), expires)
		}
	}
	return swarm.Principal{}, swarm.Errorf(swarm.CodeUnauthenticated, "the session has ended; sign in again")
}

// admitted returns the principal of a row, unless it has expired.
func admitted(r *row, credential string, expires time.Time) (swarm.Principal, error) {
	if !expires.IsZero() && !time.Now().Before(expires) {
		what := "the token of " + r.token.Name + " has expired"
		if strings.HasPrefix(credential, cookiePrefix) {
			what = "the session has expired; sign in again"
		}
		return swarm.Principal{}, swarm.Errorf(swarm.CodeTokenExpired, what)
	}
	p := r.principal
	p.Credential, p.Expires = credential, expires
	return p, nil
}

// addressOf returns the client's address without its port.
func addressOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}
