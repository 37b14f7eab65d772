package page

import (
	"context"
	"net/url"

	"github.com/a-h/templ"
)

type baseKey struct{}

// WithBase makes pages rendered with the context link to paths below base, such as "/swarmcall": the models do not know
// the path under which a proxy serves the dashboard.
func WithBase(ctx context.Context, base string) context.Context {
	return context.WithValue(ctx, baseKey{}, base)
}

// at is the address of a path of this server.
func at(ctx context.Context, path string) templ.SafeURL {
	base, _ := ctx.Value(baseKey{}).(string)
	return templ.SafeURL(base + path)
}

// signInURL is the address of the sign-in page that leads back to a path.
func signInURL(ctx context.Context, back string) templ.SafeURL {
	return at(ctx, "/ui/login?"+url.Values{"back": {back}}.Encode())
}
