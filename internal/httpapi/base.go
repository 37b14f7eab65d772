package httpapi

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
)

// base is the path under which people and programs reach this server, without the slash at its end: "" or "/swarmcall".
// Routes do not know of it: it is cut off before them, and put in front of what their answers point to.
type base string

func baseOf(public *url.URL) base {
	if public == nil {
		return ""
	}
	return base(strings.TrimSuffix(public.Path, "/"))
}

// wrap cuts the base off paths that have it, and leaves the others as they are: most proxies have cut it off already.
func (b base) wrap(next http.Handler) http.Handler {
	if b == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&pointing{ResponseWriter: w, base: b}, b.cut(r))
	})
}

func (b base) cut(r *http.Request) *http.Request {
	path, ok := b.rest(r.URL.Path)
	if !ok {
		return r
	}
	out, u := *r, *r.URL
	u.Path = path
	if u.RawPath, ok = b.rest(u.RawPath); !ok { // the base itself is escaped, which changes nothing
		u.RawPath = ""
	}
	out.URL = &u
	return &out
}

func (b base) rest(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, string(b))
	switch {
	case !ok || (rest != "" && rest[0] != '/'):
		return path, false
	case rest == "":
		return "/", true
	}
	return rest, true
}

// pointing puts the base in front of where an answer points to.
type pointing struct {
	http.ResponseWriter
	base  base
	wrote bool
}

// Unwrap lets http.ResponseController reach the connection.
func (p *pointing) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *pointing) WriteHeader(status int) {
	if !p.wrote && status >= http.StatusOK {
		p.wrote = true
		p.point("Location", "")
		p.point("Link", "<")
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *pointing) Write(b []byte) (int, error) {
	if !p.wrote {
		p.WriteHeader(http.StatusOK)
	}
	return p.ResponseWriter.Write(b)
}

func (p *pointing) point(header, before string) {
	h := p.Header()
	path, ok := strings.CutPrefix(h.Get(header), before)
	if ok && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") {
		h.Set(header, before+string(p.base)+path)
	}
}

// specServer is where the contract says that a server is.
const specServer = "url: http://127.0.0.1:8080"

// specFor is the contract with the address of this server.
func specFor(spec []byte, public *url.URL) []byte {
	if public == nil {
		return spec
	}
	return bytes.Replace(spec, []byte(specServer), []byte("url: "+strings.TrimSuffix(public.String(), "/")), 1)
}
