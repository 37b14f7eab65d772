package httpapi

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
)

// base is the path under which clients reach this server, without the trailing slash: "" or "/swarmcall". Routes do not
// contain it: it is removed before routing, and added to the URLs in the answers.
type base string

func baseOf(public *url.URL) base {
	if public == nil {
		return ""
	}
	return base(strings.TrimSuffix(public.Path, "/"))
}

// wrap removes the base from paths that have it, and leaves other paths unchanged: most proxies have removed it
// already.
func (b base) wrap(next http.Handler) http.Handler {
	if b == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&baseWriter{ResponseWriter: w, base: b}, b.cut(r))
	})
}

func (b base) cut(r *http.Request) *http.Request {
	path, ok := b.rest(r.URL.Path)
	if !ok {
		return r
	}
	out, u := *r, *r.URL
	u.Path = path
	if u.RawPath, ok = b.rest(u.RawPath); !ok { // the base itself is escaped, which makes no difference
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

// baseWriter adds the base to the URLs of an answer.
type baseWriter struct {
	http.ResponseWriter
	base  base
	wrote bool
}

// Unwrap lets http.ResponseController reach the connection.
func (p *baseWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *baseWriter) WriteHeader(status int) {
	if !p.wrote && status >= http.StatusOK {
		p.wrote = true
		p.addBase("Location", "")
		p.addBase("Link", "<")
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *baseWriter) Write(b []byte) (int, error) {
	if !p.wrote {
		p.WriteHeader(http.StatusOK)
	}
	return p.ResponseWriter.Write(b)
}

func (p *baseWriter) addBase(header, before string) {
	h := p.Header()
	path, ok := strings.CutPrefix(h.Get(header), before)
	if ok && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") {
		h.Set(header, before+string(p.base)+path)
	}
}

// specServer is the server's address in the OpenAPI document.
const specServer = "url: http://127.0.0.1:8080"

// specFor returns the OpenAPI document with the address of this server.
func specFor(spec []byte, public *url.URL) []byte {
	if public == nil {
		return spec
	}
	return bytes.Replace(spec, []byte(specServer), []byte("url: "+strings.TrimSuffix(public.String(), "/")), 1)
}
