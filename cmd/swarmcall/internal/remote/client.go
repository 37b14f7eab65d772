// Package remote is the CLI's client of a server: the generated client, with refusals as errors. All requests to
// Swarmcall go through Client.
package remote

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Config selects the server and the retries.
type Config struct {
	URL      string            // base address, such as http://127.0.0.1:8080, or a list with commas: of one swarm
	From     string            // where the URL comes from, for errors: "--url"
	Token    string            // bearer token; empty: none
	Roots    *x509.CertPool    // root CAs for the server's certificate; nil: the system's
	Patience                   // of retries
	Quiet    func()            // called when an answer is late; may be nil
	Trace    io.Writer         // receives a line per request and answer; nil: no trace
	Agent    string            // User-Agent
	Header   http.Header       // more headers of each request; may be nil
	HTTP     http.RoundTripper // nil: its own transport
	// Proxy returns the proxy of a request, for the client's own transport and for messages; nil: the environment's.
	Proxy func(*http.Request) (*url.URL, error)
}

// Patience limits retries. Only requests that are safe to repeat are retried: reads, and commands with an idempotency
// key.
type Patience struct {
	For    time.Duration                      // how long to retry after a failure; 0: never
	Insist bool                               // retry even if nothing listens yet on a port of this machine
	Note   func(why string, in time.Duration) // called before each retry; may be nil
}

// Client sends requests to the servers of one swarm, retries the safe ones, and returns errors with the cause and a
// hint.
type Client struct {
	api  *api.Client
	doer *doer
	base string // of the first server: the doer aims requests at others
	cfg  Config
}

// Dial returns a client. It does not connect yet.
func Dial(cfg Config) (*Client, error) {
	urls, err := ParseURLs(cfg.URL, cfg.From)
	if err != nil {
		return nil, err
	}
	servers, err := newServers(cfg.URL)
	if err != nil {
		return nil, err
	}
	transport, proxy := cfg.HTTP, cfg.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	if transport == nil {
		own := &http.Transport{Proxy: proxy, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: urls[0].Scheme == "https"}
		if cfg.Roots != nil {
			own.TLSClientConfig = &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12}
		}
		transport = own
	}
	d := &doer{
		http: &http.Client{Transport: transport, CheckRedirect: refuseRedirect}, patience: cfg.Patience,
		trace: cfg.Trace, quiet: cfg.Quiet,
		proxy:  proxy,
		header: http.Header{"User-Agent": {cfg.Agent}}, servers: servers,
	}
	maps.Copy(d.header, cfg.Header)
	if cfg.Token != "" {
		d.header.Set("Authorization", "Bearer "+cfg.Token)
	}
	base := servers.all[0].base
	generated, err := api.NewClient(base, api.WithHTTPClient(d))
	if err != nil {
		return nil, err
	}
	return &Client{api: generated, doer: d, base: base, cfg: cfg}, nil
}

// Each returns a client for each server alone.
func (c *Client) Each() (each []*Client, _ error) {
	for _, s := range c.doer.servers.all {
		cfg := c.cfg
		cfg.URL = s.base
		one, err := Dial(cfg)
		if err != nil {
			return nil, err
		}
		each = append(each, one)
	}
	return each, nil
}

// Exposed reports whether requests to an address leave this machine without encryption.
func Exposed(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || strings.EqualFold(u.Hostname(), "localhost") {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err != nil || !ip.Unmap().IsLoopback()
}

// Exposed returns the servers, for display, to which requests leave this machine without encryption.
func (c *Client) Exposed() (all []string) {
	for _, s := range c.doer.servers.all {
		if Exposed(s.base) {
			all = append(all, Mask(s.base))
		}
	}
	return all
}

// password matches the password in an address, even in one that cannot be parsed.
var password = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(//[^/:@\s]*):[^/\s]*@`) })

// Mask hides the password of an address, and a token: many people read the logs of pipelines.
func Mask(address string) string {
	if strings.Contains(address, "@") {
		address = password().ReplaceAllString(address, "$1:xxxxx@")
	}
	return swarm.MaskSecrets(address)
}

// refuseRedirect: a redirect must not turn a command into a read, nor send a token elsewhere.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// URL is the base address for display, without a password; with several servers it is the list.
func (c *Client) URL() string { return c.doer.servers.names() }

// Server is the base address of the server that answers at present, for display.
func (c *Client) Server() string { return Mask(c.doer.servers.all[c.doer.servers.use()].base) }

// Address is the base address for requests; with several servers it is the list.
func (c *Client) Address() string {
	var all []string
	for _, s := range c.doer.servers.all {
		all = append(all, s.base)
	}
	return strings.Join(all, ",")
}

// CloseIdle closes the connections that are kept for later requests.
func (c *Client) CloseIdle() { c.doer.http.CloseIdleConnections() }

// Answer is the server's answer: decoded, and as it was sent. The sent form may have fields that this program does not
// know.
type Answer[T any] struct {
	Value    T
	Raw      json.RawMessage
	Replayed bool // an earlier request with the same key made it, and this one had no effect
}

// answer makes a request and decodes a successful answer; any other becomes an error about this action.
func answer[T any](c *Client, what string, call func() (*http.Response, error)) (a Answer[T], _ error) {
	resp, failed := call()
	resp, err := answerOf(resp, failed)
	if err != nil {
		return a, c.unanswered(what, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, c.unreachable(what, err)
	}
	if resp.StatusCode/100 != 2 {
		return a, c.refused(what, resp, body, failuresOf(failed))
	}
	a.Raw, a.Replayed = body, resp.Header.Get("Idempotent-Replayed") == "true"
	if err := json.Unmarshal(body, &a.Value); err != nil {
		return a, &clierr.Error{
			Code: clierr.Failed, What: "cannot " + what, Cause: fmt.Errorf("the answer is not from Swarmcall: %w", err),
			Hint: "is " + c.URL() + " a Swarmcall server? (from " + c.cfg.From + ")",
		}
	}
	return a, nil
}

// inMemory gives a response a body that can be read again.
func inMemory(resp *http.Response, body []byte) *http.Response {
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp
}
