package certs

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"
)

const (
	soon        = 14 * 24 * time.Hour // before its expiry a certificate is reported from then on
	remindEvery = 24 * time.Hour
)

// valid returns an error if clients refuse a certificate now because of its dates.
func valid(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("expired at %s", stamp(leaf.NotAfter))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("is not valid before %s", stamp(leaf.NotBefore))
	}
	return nil
}

// remind logs once a day that the certificate in force expires soon, or that clients refuse it.
func (s *Store) remind() {
	now := time.Now()
	if !s.reminded.IsZero() && now.Sub(s.reminded) < remindEvery {
		return
	}
	if err := valid(s.leaf, now); err != nil {
		s.reminded = now
		s.cfg.Logger.Error("clients refuse the TLS certificate: it "+err.Error(), "file", s.cfg.CertFile)
		return
	}
	if left := s.leaf.NotAfter.Sub(now); left <= soon {
		s.reminded = now
		s.cfg.Logger.Warn("the TLS certificate expires soon", "expires", stamp(s.leaf.NotAfter), "in_days",
			int(left/(24*time.Hour)), "file", s.cfg.CertFile)
	}
}

// Expires returns when the certificate in force expires.
func (s *Store) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaf.NotAfter
}

// names are the names and addresses that clients may use for the server, as the certificate lists them.
func names(leaf *x509.Certificate) string {
	all := append([]string(nil), leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	return strings.Join(all, ",")
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
