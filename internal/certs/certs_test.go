package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/certtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lines is a log that a test may read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// world is a store that polls two files in the fake time of a bubble.
type world struct {
	t   *testing.T
	ca  *certtest.Authority
	dir string
	log *lines
	*Store

	told []string // by Reloaded
}

func inBubble(t *testing.T, first certtest.Leaf, test func(*world)) {
	t.Helper()
	withStore(t, first, func(w *world) {
		ctx, stop := context.WithCancel(w.t.Context())
		defer stop()
		go w.Run(ctx)
		test(w)
	})
}

// withStore gives the test a store that polls only when it is told to.
func withStore(t *testing.T, first certtest.Leaf, test func(*world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, ca: certtest.New(t), dir: dir, log: &lines{}}
		cert, key := w.ca.Issue(first).Write(t, dir)
		var err error
		w.Store, err = Open(Config{
			CertFile: cert, KeyFile: key, Logger: slog.New(slog.NewTextHandler(w.log, nil)),
			Reloaded: func(change string, err error) { w.told = append(w.told, fmt.Sprint(change, err)) },
		})
		if err != nil {
			t.Fatal(err)
		}
		test(w)
	})
}

// serves checks which certificate new connections get.
func (w *world) serves(name string) {
	w.t.Helper()
	c, err := w.TLS().GetConfigForClient(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if got := c.Certificates[0].Leaf.Subject.CommonName; got != name {
		w.t.Errorf("the certificate is %q; want %q\n%s", got, name, w.log)
	}
}

// logged checks how often the log has a text.
func (w *world) logged(text string, times int) {
	w.t.Helper()
	if got := strings.Count(w.log.String(), text); got != times {
		w.t.Errorf("the log has %q %d times; want %d:\n%s", text, got, times, w.log)
	}
}

// settle is how long it takes at most until a change is used.
func settle() { swarmtest.Advance(2*pollEvery + time.Millisecond) }

func (w *world) put(file string, content []byte) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, file), content, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func TestReplacedInPlace(t *testing.T) {
	inBubble(t, certtest.Leaf{Name: "one"}, func(w *world) {
		w.serves("one")
		w.ca.Issue(certtest.Leaf{Name: "two"}).Write(w.t, w.dir)
		settle()
		w.serves("two")
		w.logged("msg=\"TLS certificate replaced", 1)
		w.logged("names=localhost,127.0.0.1 expires=2000-03-31T00:00:00Z", 2)
		w.logged("level=WARN", 0)
	})
}

func TestReplacedByRename(t *testing.T) {
	inBubble(t, certtest.Leaf{Name: "one"}, func(w *world) {
		cert, key := w.ca.Issue(certtest.Leaf{Name: "two"}).Write(w.t, filepath.Join(w.dir, "new"))
		for _, file := range []string{cert, key} {
			if err := os.Rename(file, filepath.Join(w.dir, filepath.Base(file))); err != nil {
				w.t.Fatal(err)
			}
		}
		settle()
		w.serves("two")
	})
}

// TestReplacedBySymbolicLink does what Kubernetes does with a Secret: the files lead through a link to a directory,
// and only that link is replaced.
func TestReplacedBySymbolicLink(t *testing.T) {
	inBubble(t, certtest.Leaf{Name: "zero"}, func(w *world) {
		at := func(name string) string { return filepath.Join(w.dir, name) }
		link := func(to, name string) {
			if err := os.Symlink(to, at("next")); err != nil {
				w.t.Fatal(err)
			}
			if err := os.Rename(at("next"), at(name)); err != nil {
				w.t.Fatal(err)
			}
		}
		w.ca.Issue(certtest.Leaf{Name: "one"}).Write(w.t, at("1"))
		link("1", "..data")
		link(filepath.Join("..data", "tls.crt"), "tls.crt")
		link(filepath.Join("..data", "tls.key"), "tls.key")
		settle()
		w.serves("one")
		w.ca.Issue(certtest.Leaf{Name: "two"}).Write(w.t, at("2"))
		link("2", "..data")
		settle()
		w.serves("two")
		w.logged("level=ERROR", 0)
	})
}

// TestUnusablePair: the previous certificate stays, the log has one line for each mistake, and a correction is used.
func TestUnusablePair(t *testing.T) {
	inBubble(t, certtest.Leaf{Name: "one"}, func(w *world) {
		const refusal = "cannot use the new TLS certificate; the previous one stays in force"
		good := w.ca.Issue(certtest.Leaf{Name: "two"})
		w.put("tls.crt", good.Cert)
		swarmtest.Advance(time.Minute)
		w.serves("one")
		w.logged(refusal, 1)
		w.logged("does not match", 1)
		if err := os.Remove(filepath.Join(w.dir, "tls.key")); err != nil {
			w.t.Fatal(err)
		}
		swarmtest.Advance(time.Minute)
		w.logged(refusal, 2)
		w.logged("no such file", 1)
		w.put("tls.key", good.Key)
		settle()
		w.serves("two")
		w.put("tls.key", nil)
		swarmtest.Advance(time.Minute)
		w.put("tls.key", good.Key)
		swarmtest.Advance(time.Minute)
		w.put("tls.key", nil)
		swarmtest.Advance(time.Minute)
		w.serves("two")
		w.logged(refusal, 4)
		if len(w.told) != 5 {
			t.Errorf("Reloaded got %q", w.told)
		}
	})
}

// TestHalfReplaced: while the files are replaced one after the other, there is nothing to report.
func TestHalfReplaced(t *testing.T) {
	inBubble(t, certtest.Leaf{Name: "one"}, func(w *world) {
		swarmtest.Advance(pollEvery / 2)
		for range 5 {
			next := w.ca.Issue(certtest.Leaf{Name: "two"})
			w.put("tls.crt", next.Cert)
			swarmtest.Advance(pollEvery)
			w.put("tls.key", next.Key)
			swarmtest.Advance(pollEvery)
		}
		settle()
		w.serves("two")
		w.logged("level=ERROR", 0)
	})
}

func TestReload(t *testing.T) {
	inBubble(t, certtest.Leaf{Name: "one"}, func(w *world) {
		if err := w.Reload(); err != nil {
			t.Errorf("unchanged: %v", err)
		}
		w.logged("replaced", 0)
		w.ca.Issue(certtest.Leaf{Name: "two"}).Write(w.t, w.dir)
		if err := w.Reload(); err != nil {
			t.Error(err)
		}
		w.serves("two")
		w.put("tls.crt", nil)
		if err := w.Reload(); err == nil || !strings.Contains(err.Error(), "tls.crt") {
			t.Errorf("without a certificate: %v", err)
		}
		w.serves("two")
		swarmtest.Advance(time.Minute)
		w.logged("level=ERROR", 0) // the caller of Reload logs it
		if len(w.told) != 2 || w.told[0] != "names localhost,127.0.0.1, expires 2000-03-31T00:00:00Z<nil>" ||
			!strings.Contains(w.told[1], "tls.crt") {
			t.Errorf("Reloaded got %q", w.told)
		}
	})
}

func TestExpiry(t *testing.T) {
	const day = 24 * time.Hour
	expires := time.Date(2000, 1, 21, 0, 0, 0, 0, time.UTC)
	withStore(t, certtest.Leaf{Name: "one", NotAfter: expires}, func(w *world) {
		for _, c := range []struct{ hours, lines int }{{0, 0}, {143, 0}, {145, 1}, {168, 1}, {170, 2}, {194, 3}} {
			swarmtest.Advance(time.Until(expires.Add(-20 * day).Add(time.Duration(c.hours) * time.Hour)))
			w.poll()
			w.logged("expires soon", c.lines)
		}
		w.logged("expires=2000-01-21T00:00:00Z in_days=13", 1)
		swarmtest.Advance(time.Until(expires.Add(time.Second)))
		w.poll()
		w.logged("level=ERROR msg=\"clients refuse the TLS certificate: it expired at 2000-01-21T00:00:00Z\"", 1)
	})
}

// TestNotValidNow: a certificate that clients refuse does not replace one that they accept.
func TestNotValidNow(t *testing.T) {
	inBubble(t, certtest.Leaf{Name: "one"}, func(w *world) {
		w.ca.Issue(certtest.Leaf{Name: "old", NotAfter: time.Now().Add(-time.Minute)}).Write(w.t, w.dir)
		swarmtest.Advance(time.Minute)
		w.serves("one")
		w.logged("expired at", 1)
		w.ca.Issue(certtest.Leaf{Name: "early", NotBefore: time.Now().Add(2 * time.Minute)}).Write(w.t, w.dir)
		swarmtest.Advance(time.Minute)
		w.serves("one")
		w.logged("is not valid before", 1)
		swarmtest.Advance(2 * time.Minute) // now it is
		w.serves("early")
	})
}

// TestExpiredAtTheStart: the server starts, and the log says why clients do not connect.
func TestExpiredAtTheStart(t *testing.T) {
	inBubble(t, certtest.Leaf{Name: "one", NotAfter: time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)}, func(w *world) {
		w.logged("level=ERROR msg=\"clients refuse the TLS certificate: it expired at 1999-12-31T00:00:00Z\"", 1)
		w.ca.Issue(certtest.Leaf{Name: "two"}).Write(w.t, w.dir)
		settle()
		w.serves("two")
	})
}

func TestWarnings(t *testing.T) {
	inBubble(t, certtest.Leaf{Name: "one", Names: []string{}}, func(w *world) {
		w.logged("no subject alternative names", 1)
		w.logged("other users may read the TLS key", 0)
		if err := os.Chmod(filepath.Join(w.dir, "tls.key"), 0o604); err != nil {
			w.t.Fatal(err)
		}
		w.ca.Issue(certtest.Leaf{Name: "two"}).Write(w.t, w.dir)
		settle()
		w.serves("two")
		w.logged("other users may read the TLS key", 1)
	})
}

// TestOpenRefuses: each error names the file, and none repeats what is in the key.
func TestOpenRefuses(t *testing.T) {
	ca := certtest.New(t)
	one, two := ca.Issue(certtest.Leaf{Name: "one"}), ca.Issue(certtest.Leaf{Name: "two"})
	locked := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("locked")})
	for name, c := range map[string]struct {
		pair certtest.Pair
		want string
	}{
		"the key of another":    {certtest.Pair{Cert: one.Cert, Key: two.Key}, "tls.key cannot be used"},
		"the key twice":         {certtest.Pair{Cert: one.Key, Key: one.Key}, "tls.crt"},
		"the certificate twice": {certtest.Pair{Cert: one.Cert, Key: one.Cert}, "tls.key"},
		"no certificate":        {certtest.Pair{Key: one.Key}, "tls.crt"},
		"no PEM":                {certtest.Pair{Cert: one.Cert, Key: []byte("s3cret")}, "tls.key"},
		"a passphrase":          {certtest.Pair{Cert: one.Cert, Key: locked}, "tls.key has a passphrase"},
		"a large file":          {certtest.Pair{Cert: one.Cert, Key: bytes.Repeat([]byte("#"), 1<<20+1)}, "at most 1048576"},
	} {
		cert, key := c.pair.Write(t, t.TempDir())
		_, err := Open(Config{CertFile: cert, KeyFile: key})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	cert, key := one.Write(t, t.TempDir())
	for name, c := range map[string]Config{
		"no such file": {CertFile: cert + ".old", KeyFile: key}, "not a regular file": {CertFile: cert, KeyFile: t.TempDir()},
	} {
		if _, err := Open(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// shake makes a TLS connection.
func shake(t *testing.T, listener, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	here, there := net.Pipe()
	server, ended := tls.Server(there, listener), make(chan struct{})
	go func() {
		defer close(ended)
		if server.Handshake() == nil {
			_, _ = server.Write([]byte("x")) // the session ticket is sent before it
		}
	}()
	conn := tls.Client(here, client)
	err := conn.Handshake()
	if err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	state := conn.ConnectionState()
	_ = here.Close()
	<-ended
	return state, err
}

func TestVersions(t *testing.T) {
	ca := certtest.New(t)
	cert, key := ca.Issue(certtest.Leaf{Name: "one"}).Write(t, t.TempDir())
	s, err := Open(Config{CertFile: cert, KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	for version, accepted := range map[uint16]bool{
		tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
	} {
		_, err := shake(t, s.TLS(), &tls.Config{
			RootCAs: ca.Pool, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: version,
		})
		if (err == nil) != accepted {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

// TestResumedSessions: a client resumes its session, but not under another certificate.
func TestResumedSessions(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	cert, key := ca.Issue(certtest.Leaf{Name: "one"}).Write(t, dir)
	s, err := Open(Config{CertFile: cert, KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	listener := s.TLS()
	client := &tls.Config{RootCAs: ca.Pool, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	connect := func(want string, resumed bool) {
		t.Helper()
		state, err := shake(t, listener, client)
		if err != nil {
			t.Fatal(err)
		}
		if got := state.PeerCertificates[0].Subject.CommonName; got != want || state.DidResume != resumed {
			t.Errorf("the certificate is %q, resumed %v; want %q, %v", got, state.DidResume, want, resumed)
		}
	}
	connect("one", false)
	connect("one", true)
	ca.Issue(certtest.Leaf{Name: "two"}).Write(t, dir)
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	connect("two", false)
	connect("two", true)
}
