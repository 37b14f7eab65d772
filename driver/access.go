package driver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// Limits of the files that a Config names.
const (
	maxTokenBytes = 8 << 10
	maxCABytes    = 1 << 20
)

// ErrInsecureToken is in the chain of the error about a Config whose token would be sent without encryption.
var ErrInsecureToken = errors.New("the token must not be sent without encryption to another machine")

// FileError reports that a file that a Config names cannot be used. It never shows the content of the file. Run returns
// it if this happens at the first connect. Later Run retries, because files are replaced while a driver runs.
type FileError struct {
	Field string // of Config: "TokenFile" or "CAFile"
	Err   error  // with the path of the file
}

func (e *FileError) Error() string { return "driver: Config." + e.Field + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// checkAccess checks the fields of the credential and of the server's certificate. It reads no file.
func (cfg Config) checkAccess(bad *problems) {
	if cfg.TokenFile != "" && cfg.Header.Get("Authorization") != "" {
		bad.add("TokenFile: Config.Header has Authorization as well; set only one of them")
	}
	if to := cfg.plainTo(); cfg.TokenFile != "" && to != "" && !cfg.InsecureToken {
		bad.add("TokenFile: %w: Config.URL leads to %s; use https or wss, or set Config.InsecureToken",
			ErrInsecureToken, to)
	}
	if cfg.CAFile == "" {
		return
	}
	if t := transportOf(cfg.HTTPClient); t == nil {
		bad.add("CAFile: the transport of Config.HTTPClient must be an *http.Transport, or nil; " +
			"set the root CAs there, or leave HTTPClient out")
	} else if t.DialTLSContext != nil || t.DialTLS != nil { //nolint:staticcheck // deprecated, but callers may set it
		bad.add("CAFile: has no effect on a transport of Config.HTTPClient that has DialTLSContext or DialTLS; " +
			"set the root CAs there")
	}
}

// plainTo describes where requests leave this machine without encryption; "" if they do not.
func (cfg Config) plainTo() string {
	urls, _ := wire.SplitURLs(cfg.URL) // the error is one of the field URL
	for _, base := range urls {
		if to := cfg.plainToOne(base); to != "" {
			return to
		}
	}
	return ""
}

func (cfg Config) plainToOne(base string) string {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "ws") {
		return ""
	}
	if proxy := proxyOf(throughTunnels(cfg.HTTPClient), base); proxy != "" {
		return u.Redacted() + " through the proxy " + proxy // for which localhost may be another machine
	}
	if loopback(u.Hostname()) {
		return ""
	}
	return u.Redacted()
}

func loopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// transportOf returns the transport of a client; nil if it is not from net/http.
func transportOf(c *http.Client) *http.Transport {
	rt := http.DefaultTransport
	if c != nil && c.Transport != nil {
		rt = c.Transport
	}
	t, _ := rt.(*http.Transport)
	return t
}

// access is what one request to connect needs of the files in the Config. It is made for each request, because the
// files may be replaced while the driver runs.
type access struct {
	header   http.Header
	http     *http.Client
	token    bool // header has a token of TokenFile
	withheld bool // a redirect was not followed, because it leads to where the token must not be sent
	release  func()
}

// access reads the files. The caller calls release when the request is over.
func (c *client) access() (*access, error) {
	a := &access{header: c.cfg.Header.Clone(), http: c.http, release: func() {}}
	if c.cfg.TokenFile != "" {
		token, err := readToken(c.cfg.TokenFile)
		if err != nil {
			return nil, &FileError{"TokenFile", err}
		}
		if a.header == nil {
			a.header = http.Header{}
		}
		a.header.Set("Authorization", "Bearer "+token)
		a.token = true
	}
	if c.cfg.CAFile != "" {
		roots, err := readRoots(c.cfg.CAFile)
		if err != nil {
			return nil, &FileError{"CAFile", err}
		}
		var transport *http.Transport
		a.http, transport = trusting(c.cfg.HTTPClient, roots)
		a.release = transport.CloseIdleConnections
	}
	bounded := *a.http
	bounded.CheckRedirect = a.redirects(a.http.CheckRedirect)
	a.http = &bounded
	return a, nil
}

// trusting returns a client like c that trusts these root CAs instead of others, and its transport.
func trusting(c *http.Client, roots *x509.CertPool) (*http.Client, *http.Transport) {
	var out http.Client
	if c != nil {
		out = *c
	}
	transport := transportOf(c).Clone()
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.RootCAs = roots
	out.Transport = transport
	return throughTunnels(&out), transport
}

// redirects returns a policy for redirects. One that it does not allow is treated as the answer. The caller's policy
// comes second; without one, the number of redirects is limited, because the websocket package does not limit it.
func (a *access) redirects(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		// net/http would send the token to other ports, to subdomains, and from https to http.
		if a.token && !sameServer(via[len(via)-1].URL, req.URL) {
			a.withheld = true
			return http.ErrUseLastResponse
		}
		if next != nil {
			return next(req, via)
		}
		if len(via) > maxRedirects {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

// sameServer reports whether a redirect leads to the same server, or from http to https on the same host.
func sameServer(from, to *url.URL) bool {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	if from.Scheme == "http" && to.Scheme == "https" {
		return true
	}
	return from.Scheme == to.Scheme && portOf(from) == portOf(to)
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// readToken returns the token in a file. Its errors never show the content.
func readToken(path string) (string, error) {
	b, err := readFile(path, maxTokenBytes)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(b))
	switch {
	case token == "":
		return "", fmt.Errorf("%s is empty", path)
	case strings.ContainsAny(token, "\r\n"):
		return "", fmt.Errorf("%s has more than one line; it must contain the token only", path)
	case strings.ContainsFunc(token, func(r rune) bool { return r < '!' || r > '~' }):
		return "", fmt.Errorf("%s has characters that a token cannot have: blanks, control characters, or non-ASCII "+
			"characters", path)
	}
	return token, nil
}

func readRoots(path string) (*x509.CertPool, error) {
	b, err := readFile(path, maxCABytes)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s has no certificate in PEM form", path)
	}
	return roots, nil
}

func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d KiB", path, limit>>10)
	}
	return b, err
}

// actionAfter is the function actionAfter with what depends on the files: an unusable file is final at the first
// connect, and an expired token is not final, because another one may soon be in its file.
func (c *client) actionAfter(err error, first bool) wire.Action {
	if _, ok := errors.AsType[*FileError](err); ok && first {
		return wire.Stop
	}
	if e, ok := errors.AsType[*HandshakeError](err); ok && e.expired() && c.cfg.TokenFile != "" {
		return wire.Reconnect
	}
	return actionAfter(err)
}

// tokenForm is what a token looks like. It is compiled when it is needed: programs that have this package must start fast.
var tokenForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`swc_[A-Za-z0-9_-]{20,}`) })

// checkSecrets finds a token in a field that is shown to people. It does not repeat it.
func (cfg Config) checkSecrets(bad *problems) {
	for _, field := range []struct{ name, text string }{
		{"DriverID", cfg.DriverID}, {"Version", cfg.Version}, {"TokenFile", cfg.TokenFile}, {"CAFile", cfg.CAFile},
		{"Labels", fmt.Sprint(cfg.Labels)},
	} {
		if tokenForm().MatchString(field.text) {
			bad.add("%s: has what looks like a token; Config.TokenFile is the path of a file that has it", field.name)
		}
	}
}
