package proxy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

// patience is how long anything may take before the test gives up: the machine may be busy with other tests.
const patience = time.Minute

// name is the host name of the proxies. It does not resolve: the tests give every client the address.
const name = "load.example.com"

// programs return the commands that start the proxies. They change a configuration only where a test has to: ports,
// files, and where it logs.
var programs = map[string]func(*testing.T, *place, string) *exec.Cmd{"nginx": nginx, "haproxy": haproxy, "caddy": caddy}

// place is where a proxy of a test runs.
type place struct {
	dir      string
	host     string // its name
	addr     string // that it listens on
	upstream string
	roots    *x509.CertPool
	crt, key string // files
}

func nginx(t *testing.T, p *place, text string) *exec.Cmd {
	temp := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp += kind + "_temp_path " + filepath.Join(p.dir, kind) + ";\n"
	}
	text = replaced(
		t,
		text,
		"listen 443 ssl;",
		"listen "+p.addr+" ssl;",
		"http://127.0.0.1:8080",
		"http://"+p.upstream,
		"/etc/ssl/load.example.com.crt",
		p.crt,
		"/etc/ssl/load.example.com.key",
		p.key,
		"http {\n",
		"http {\naccess_log off;\n"+temp,
	)
	text = "daemon off; pid " + filepath.Join(p.dir, "pid") + "; worker_processes 1;\n" + text
	return exec.Command(find(t, "nginx"), "-p", p.dir, "-e", "stderr", "-c", p.write(t, "nginx.conf", text))
}

func haproxy(t *testing.T, p *place, text string) *exec.Cmd {
	both := p.write(t, "both.pem", p.read(t, p.crt)+p.read(t, p.key))
	text = replaced(
		t,
		text,
		"bind :443",
		"bind "+p.addr,
		"127.0.0.1:8080",
		p.upstream,
		"/etc/ssl/load.example.com.pem",
		both,
	)
	return exec.Command(find(t, "haproxy"), "-db", "-f", p.write(t, "haproxy.cfg", text))
}

func caddy(t *testing.T, p *place, text string) *exec.Cmd {
	_, port, _ := net.SplitHostPort(p.addr)
	text = replaced(t, text, "load.example.com {", p.host+":"+port+" {", "127.0.0.1:8080", p.upstream,
		"/etc/ssl/load.example.com.crt", p.crt, "/etc/ssl/load.example.com.key", p.key)
	text = "{\n    admin off\n    auto_https disable_redirects\n    default_bind 127.0.0.1\n}\n" + text
	cmd := exec.Command(find(t, "caddy"), "run", "--adapter", "caddyfile", "--config", p.write(t, "Caddyfile", text))
	cmd.Env = append(os.Environ(), "HOME="+p.dir, "XDG_DATA_HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir)
	return cmd
}

func (p *place) write(t *testing.T, file, text string) string {
	t.Helper()
	path := filepath.Join(p.dir, file)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *place) read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// newPlace returns a place with a free port, and a certificate for the name and for localhost.
func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{dir: t.TempDir(), host: name, addr: freePort(t)}
	crt, key := certificate(t)
	p.roots = x509.NewCertPool()
	p.roots.AppendCertsFromPEM(crt)
	p.crt, p.key = p.write(t, "crt", string(crt)), p.write(t, "key", string(key))
	return p
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func certificate(t *testing.T) (crt, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name, local},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(
		&pem.Block{Type: "CERTIFICATE", Bytes: public},
	), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// find returns the path of a program. It skips the test, or fails it in CI, if the program is not installed. On Debian
// a user's PATH has no /usr/sbin.
func find(t *testing.T, program string) string {
	t.Helper()
	for _, candidate := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	testenv.SkipOrFail(t, "no %s: install Debian's package of that name", program)
	return ""
}

// run starts a program, and ends it with the test. It returns once something listens at addr.
func run(t *testing.T, cmd *exec.Cmd, addr string) {
	t.Helper()
	said := new(proctest.Output)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.WaitDelay = patience // a child that outlives it may keep these open
	p, err := proctest.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end(p)
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, said)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-p.Ended:
			t.Fatalf("%s ended with %d\n%s", cmd.Path, p.Code(), said)
		case <-ctx.Done():
			t.Fatalf("%s does not listen at %s: %v\n%s", cmd.Path, addr, err, said)
		case <-again.C:
		}
	}
}

// end lets a program end its own children (nginx has workers), and kills it if it waits for open streams instead.
func end(p *proctest.Process) {
	p.Signal(syscall.SIGTERM)
	if !p.EndsWithin(5 * time.Second) {
		p.Kill()
	}
}
