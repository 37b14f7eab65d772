package httpapi

import (
	"context"
	"net/http"
)

type clientKey struct{}

// client is what is known of how a request got here.
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

// Address is scheme and host of this server as the client of r knows them.
func Address(r *http.Request) string { return scheme(r) + "://" + r.Host }

// scheme is what the client used, by what a trusted proxy said or by the connection.
func scheme(r *http.Request) string {
	switch c := clientOf(r.Context()); {
	case c.scheme != "":
		return c.scheme
	case r.TLS != nil:
		return "https"
	}
	return "http"
}
