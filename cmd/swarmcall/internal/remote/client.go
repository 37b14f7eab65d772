// Package remote is a server as the command line sees it: the generated client, with refusals as errors. Everything
// that speaks to Swarmcall does so by Client.
package remote

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// Config says which server, and how patiently.
type Config struct {
	URL      string            // base address, such as http://127.0.0.1:8080
	From     string            // where the URL comes from, for errors: "--url"
	Token    string            // bearer token; empty: none
	Patience                   // of retries
	Quiet    func()            // told when an answer is late; nil: nobody is
	Trace    io.Writer         // gets a line per request and answer; nil: none
	Agent    string            // User-Agent
	HTTP     http.RoundTripper // nil: a transport of its own
	// Proxy of a request, for the transport of its own and for what is said about it; nil: the environment's.
	Proxy func(*http.Request) (*url.URL, error)
}

// Patience bounds retries. Only requests that may be sent twice are: reads, and commands with an idempotency key.
type Patience struct {
	For    time.Duration                      // how long to go on trying after a failure; 0: never try twice
	Insist bool                               // also at a port of this machine where nothing has listened yet
	Note   func(why string, in time.Duration) // told before each further try; nil: nobody is
}

// Client speaks to one server, sends again what may be sent again, and says in its errors what failed, why and how to
// fix it.
type Client struct {
	api  *api.Client
	doer *doer
	base string
	from string
}

// Dial returns a client. It does not connect yet.
func Dial(cfg Config) (*Client, error) {
	u, err := ParseURL(cfg.URL, cfg.From)
	if err != nil {
		return nil, err
	}
	transport, proxy := cfg.HTTP, cfg.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	if transport == nil {
		transport = &http.Transport{Proxy: proxy, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: u.Scheme == "https"}
	}
	d := &doer{
		http: &http.Client{Transport: transport, CheckRedirect: refuseRedirect}, patience: cfg.Patience,
		trace: cfg.Trace, quiet: cfg.Quiet,
		proxy:  proxy,
		header: http.Header{"User-Agent": {cfg.Agent}},
	}
	if cfg.Token != "" {
		d.header.Set("Authorization", "Bearer "+cfg.Token)
	}
	base := strings.TrimRight(cfg.URL, "/")
	generated, err := api.NewClient(base, api.WithHTTPClient(d))
	if err != nil {
		return nil, err
	}
	return &Client{api: generated, doer: d, base: base, from: cfg.From}, nil
}

// ParseURL reads the address of a server, which came from such a place.
func ParseURL(address, from string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, &clierr.Error{
			Code: clierr.Usage, What: fmt.Sprintf("%q is not a server address", Mask(address)),
			Hint: "use one such as http://127.0.0.1:8080; this one comes from " + from,
		}
	}
	return u, nil
}

// password is that of an address. What cannot be parsed may have one too.
var password = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(//[^/:@\s]*):[^/\s]*@`) })

// Mask hides the password of an address: logs of pipelines are read by many.
func Mask(address string) string {
	if !strings.Contains(address, "@") {
		return address
	}
	return password().ReplaceAllString(address, "$1:xxxxx@")
}

// refuseRedirect: a command must not be turned into a read on its way, nor a token be sent elsewhere.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// URL is the base address as it may be shown: without a password.
func (c *Client) URL() string { return Mask(c.base) }

// Address is the base address as it is called.
func (c *Client) Address() string { return c.base }

// CloseIdle closes the connections that are kept for later calls.
func (c *Client) CloseIdle() { c.doer.http.CloseIdleConnections() }

// Answer is what the server said: decoded, and as it was sent. What was sent may have fields that this program does not
// know.
type Answer[T any] struct {
	Value    T
	Raw      json.RawMessage
	Replayed bool // an earlier request with the same key made it, and this one did nothing
}

// answer makes a call, decodes its good answer, and turns any other into an error about doing what.
func answer[T any](c *Client, what string, call func() (*http.Response, error)) (a Answer[T], _ error) {
	resp, err := call()
	if f, ok := errors.AsType[foreignAnswer](err); ok {
		return a, c.stranger(what, f)
	}
	if err != nil {
		return a, c.unreachable(what, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, c.unreachable(what, err)
	}
	if resp.StatusCode/100 != 2 {
		return a, c.refused(what, resp, body)
	}
	a.Raw, a.Replayed = body, resp.Header.Get("Idempotent-Replayed") == "true"
	if err := json.Unmarshal(body, &a.Value); err != nil {
		return a, &clierr.Error{
			Code: clierr.Failed, What: "cannot " + what, Cause: fmt.Errorf("the answer is not from Swarmcall: %w", err),
			Hint: "is " + c.URL() + " a Swarmcall server? (from " + c.from + ")",
		}
	}
	return a, nil
}

// inMemory gives a response its body back after it was read.
func inMemory(resp *http.Response, body []byte) *http.Response {
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp
}
