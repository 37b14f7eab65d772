package remote_test

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// TestRootCAs: the client trusts the root CAs that it is given, and says how to name them.
func TestRootCAs(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version": "v1"}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake that the client ends
	server.StartTLS()
	defer server.Close()
	own := x509.NewCertPool()
	own.AddCert(server.Certificate())
	for _, roots := range []*x509.CertPool{own, nil} {
		c, err := remote.Dial(remote.Config{URL: server.URL, Roots: roots})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseIdle()
		answer, err := c.ServerVersion(t.Context())
		if roots != nil && (err != nil || answer.Value.Version != "v1") {
			t.Errorf("%+v, %v", answer, err)
		}
		if roots == nil && (clierr.CodeOf(err) != clierr.Unreachable || !strings.Contains(clierr.Text(err), "--ca-file")) {
			t.Errorf("without the root CA: %v", err)
		}
	}
}

func TestExposed(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:8080": false, "http://localhost": false, "http://[::1]:1": false, "https://load.example": false,
		"http://[::ffff:127.0.0.1]": false, "http://load.example": true, "http://10.0.0.1:8080": true,
		"http://localhost.example": true, "http://0.0.0.0": true, "": false,
	} {
		if got := remote.Exposed(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
