package cli

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// forward is a forward proxy that connects every name to one server.
type forward struct {
	server  string
	plain   *httputil.ReverseProxy
	tunnels sync.WaitGroup
}

// proxyCmd: proxy NAME: from now on the server is reached by that name, through a proxy of the environment.
func proxyCmd(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	f := &forward{server: w.server.addr}
	f.plain = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Host = f.server }}
	at := httptest.NewServer(f)
	ts.Defer(func() {
		at.CloseClientConnections()
		at.Close()
		f.tunnels.Wait()
	})
	_, port, err := net.SplitHostPort(w.server.addr)
	ts.Check(err)
	ts.Setenv("HTTP_PROXY", "http://me:secret@"+at.Listener.Addr().String())
	ts.Setenv("SWARMCALL_URL", "http://"+args[0]+":"+port)
}

func (f *forward) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		f.plain.ServeHTTP(w, r)
		return
	}
	far, err := net.Dial("tcp", f.server)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	near, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = far.Close()
		return
	}
	_, err = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		f.tunnels.Go(func() {
			if _, e := io.Copy(way[0], way[1]); errors.Join(err, e) != nil {
				_ = way[1].Close()
			}
			_ = way[0].Close()
		})
	}
}
