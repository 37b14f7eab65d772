package httpapi

import (
	"context"
	"net/http"
)

type clientKey struct{}

// client is what is known about how a request reached this server.
type client struct {
	scheme   string // that the client used: http or https
	stranger bool   // the Host is not one of this server's; only health checks get this far
}

func clientOf(ctx context.Context) client {
	c, _ := ctx.Value(clientKey{}).(client)
	return c
}

func (c client) in(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), clientKey{}, c))
}

// Address returns the scheme and host of this server as the client of r uses them.
func Address(r *http.Request) string { return scheme(r) + "://" + r.Host }

// scheme returns what the client used, according to a trusted proxy or to the connection.
func scheme(r *http.Request) string {
	switch c := clientOf(r.Context()); {
	case c.scheme != "":
		return c.scheme
	case r.TLS != nil:
		return "https"
	}
	return "http"
}
