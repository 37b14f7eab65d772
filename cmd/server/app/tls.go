package app

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/swarmcall/swarmcall/internal/certs"
	"github.com/swarmcall/swarmcall/internal/metrics"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// hsts tells browsers to use only HTTPS for this host name from now on, for a year. It says nothing about other names
// below it.
const hsts = "max-age=31536000"

// scheme is the scheme of the listen address.
func (c *Config) scheme() string {
	if c.TLSCert != "" {
		return "https"
	}
	return "http"
}

// openCertificate reads the certificate, if there is one.
func (s *server) openCertificate() (err error) {
	if s.cfg.TLSCert == "" {
		return nil
	}
	s.certs, err = certs.Open(certs.Config{
		CertFile: s.cfg.TLSCert, KeyFile: s.cfg.TLSKey, Logger: s.cfg.Logger,
		Reloaded: func(change string, err error) {
			s.metrics.Access.Reloaded(metrics.FileTLS, err)
			s.access.reloaded(swarm.AuditCertificateReloaded, swarm.AuditCertificateReloadFailed, change, err)
		},
	})
	if err != nil {
		return fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return nil
}

// webServer returns the HTTP server. Without TLS it speaks HTTP/1.1, with TLS HTTP/2 as well; drivers connect by
// HTTP/1.1 in both cases, because a WebSocket takes over its connection.
func (s *server) webServer(h http.Handler) *http.Server {
	web := httpServer(h)
	web.ErrorLog = log.New(connectionLog{s.cfg.Logger}, "", 0)
	if s.certs == nil {
		return web
	}
	web.TLSConfig = s.certs.TLS()
	// Deadlines of a handler end its stream only. A client that reads nothing would keep the connection forever.
	web.HTTP2 = &http.HTTP2Config{WriteByteTimeout: http2WriteTimeout}
	if host, _, err := net.SplitHostPort(s.cfg.Listen); err == nil && !isLoopback(host) {
		web.Handler = withHSTS(h)
	}
	return web
}

// accept serves the listener until the server is shut down.
func (s *server) accept(web *http.Server) error {
	if web.TLSConfig == nil {
		return web.Serve(s.listener)
	}
	return web.ServeTLS(s.listener, "", "")
}

// withHSTS adds the header to each answer. It is not for loopback: browsers apply it to all ports of a host name, and
// other programs on localhost speak plain HTTP.
func withHSTS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", hsts)
		next.ServeHTTP(w, r)
	})
}

// connectionLog receives the lines of net/http. Most are about one connection, and anyone who reaches the port can
// cause any number of them, such as failed handshakes: these are for debugging only.
type connectionLog struct{ logger *slog.Logger }

func (l connectionLog) Write(p []byte) (int, error) {
	line := strings.TrimSpace(string(p))
	level := slog.LevelDebug
	switch {
	case strings.HasPrefix(line, "http: panic"), strings.HasPrefix(line, "http2: panic"):
		level = slog.LevelError
	case strings.HasPrefix(line, "http: Accept error"): // such as too many open files
		level = slog.LevelWarn
	}
	l.logger.Log(context.Background(), level, "HTTP server", "detail", line)
	return len(p), nil
}
