package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// pollEvery is the interval at which the files are read. A change is used when two readings agree, so that files are
// not used while they are being written: after two intervals at most.
const pollEvery = time.Second

// Config names the files of a certificate.
type Config struct {
	CertFile string       // the certificate, followed by the intermediate ones; PEM
	KeyFile  string       // its private key, without a passphrase; PEM
	Logger   *slog.Logger // nil means no log

	// Reloaded is called after the files have changed: with the names and the expiry of the new certificate, or with the
	// reason why the previous one stays in force. Nil: nobody is told.
	Reloaded func(change string, err error)
}

// Store holds the certificate in force.
type Store struct {
	cfg     Config
	serving atomic.Pointer[tls.Config]

	mu       sync.Mutex        // held while the files are read and compared
	leaf     *x509.Certificate // of the certificate in force
	inForce  mark
	last     mark      // of the last reading
	refused  mark      // of contents that were reported as unusable
	reminded time.Time // when the log last had a line about the expiry
}

// Open reads the files. A certificate that has expired is an error in the log only: a server that drivers need must be
// able to start.
func Open(cfg Config) (*Store, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Reloaded == nil {
		cfg.Reloaded = func(string, error) {}
	}
	s := &Store{cfg: cfg}
	f := readFiles(cfg)
	cert, err := f.pair()
	if err != nil {
		return nil, err
	}
	s.use(f, cert, "TLS certificate")
	return s, nil
}

// TLS returns the configuration of a listener.
func (s *Store) TLS() *tls.Config {
	outer := serverConfig()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.serving.Load(), nil }
	return outer
}

// serverConfig leaves the cipher suites to Go, which chooses among safe ones. WebSockets need HTTP/1.1: clients offer
// only that for them.
func serverConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
}

// Run reads the files again when they change, until ctx ends.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.poll()
		}
	}
}

// Reload reads the files now. On an error the certificate in force stays.
func (s *Store) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := readFiles(s.cfg)
	s.last = f.mark()
	if s.last == s.inForce {
		return nil
	}
	cert, err := s.next(f)
	if err != nil {
		s.refused = s.last // the caller logs it
		s.cfg.Reloaded("", err)
		return err
	}
	s.replace(f, cert)
	return nil
}

func (s *Store) replace(f files, cert tls.Certificate) {
	s.use(f, cert, "TLS certificate replaced; open connections keep the previous one")
	s.cfg.Reloaded(fmt.Sprintf("names %s, expires %s", names(cert.Leaf), stamp(cert.Leaf.NotAfter)), nil)
}

func (s *Store) poll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := readFiles(s.cfg)
	now := f.mark()
	settled := now == s.last
	s.last = now
	if now == s.inForce {
		s.refused = mark{} // if the same mistake is made again, it is reported again
		s.remind()
		return
	}
	if !settled {
		return
	}
	cert, err := s.next(f)
	switch {
	case err == nil:
		s.replace(f, cert)
	case now != s.refused:
		s.refused = now
		s.cfg.Logger.Error("cannot use the new TLS certificate; the previous one stays in force", "err", err)
		s.cfg.Reloaded("", err)
	}
	s.remind()
}

// next returns the certificate of the files, if it may replace the one in force.
func (s *Store) next(f files) (tls.Certificate, error) {
	cert, err := f.pair()
	if err != nil {
		return cert, err
	}
	now := time.Now()
	if err := valid(cert.Leaf, now); err != nil && valid(s.leaf, now) == nil {
		return cert, fmt.Errorf("the certificate in %s %w", f.certName, err)
	}
	return cert, nil
}

// use puts a certificate in force. Session tickets are encrypted with keys of its own configuration, so a client cannot
// resume a session that was made under an earlier certificate.
func (s *Store) use(f files, cert tls.Certificate, message string) {
	c := serverConfig()
	c.Certificates = []tls.Certificate{cert}
	c.WrapSession, c.UnwrapSession = c.EncryptTicket, c.DecryptTicket // else those of the listener's configuration
	s.serving.Store(c)
	s.leaf, s.inForce, s.last, s.refused = cert.Leaf, f.mark(), f.mark(), mark{}
	s.cfg.Logger.Info(message, "names", names(cert.Leaf), "expires", stamp(cert.Leaf.NotAfter), "file", f.certName)
	if f.exposed {
		s.cfg.Logger.Warn("other users may read the TLS key; remove the permission, such as with chmod o= FILE", "file",
			f.keyName)
	}
	if names(cert.Leaf) == "" {
		s.cfg.Logger.Warn("the TLS certificate has no subject alternative names; clients refuse it", "file", f.certName)
	}
	s.reminded = time.Time{}
	s.remind()
}
