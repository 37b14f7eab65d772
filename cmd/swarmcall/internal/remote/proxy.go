package remote

import (
	"net/http"
	"net/url"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// proxyFor returns the proxy of a request: the environment's, as in curl.
type proxyFor func(*http.Request) (*url.URL, error)

// name returns the proxy for an address, without its password; "" if there is none.
func (f proxyFor) name(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	proxy, err := f(&http.Request{URL: u, Header: http.Header{}})
	if err != nil || proxy == nil {
		return ""
	}
	return proxy.Redacted()
}

// where returns the address of a request, with its proxy.
func (d *doer) where(req *http.Request) string {
	if proxy := d.proxy.name(req.URL.String()); proxy != "" {
		return req.URL.Redacted() + " through the proxy " + proxy
	}
	return req.URL.Redacted()
}

// Proxy returns the proxy for the server, for display; "" if there is none. Of several servers it is the proxy of the
// first that has one.
func (c *Client) Proxy() string {
	for _, s := range c.doer.servers.all {
		if proxy := c.doer.proxy.name(s.base); proxy != "" {
			return proxy
		}
	}
	return ""
}

// throughProxy adds the proxy to an error about an answer that is not the server's: the environment sets the proxy, and
// users forget it.
func (c *Client) throughProxy(e *clierr.Error) *clierr.Error {
	if proxy := c.Proxy(); proxy != "" {
		e.What += " through the proxy " + proxy
		e.Hint += "; to bypass the proxy (HTTP_PROXY, HTTPS_PROXY), list the server in NO_PROXY"
	}
	return e
}
