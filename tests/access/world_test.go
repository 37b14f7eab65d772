// Package access tries to get past authentication: the real server with an auth file, real sockets, and credentials of
// every kind.
package access

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a server with an auth file that the test may change.
type world struct {
	*servertest.Server
	t      testing.TB
	path   string
	client *http.Client
	asked  int    // requests of the matrix
	asset  string // path of a file of the dashboard

	mu      sync.Mutex
	rows    map[string]string // by name: all but name and hash
	secrets map[string][]string
}

// start runs a server with the given rows: name → role and the rest of the row.
func start(t testing.TB, rows map[string]string, change func(*app.Config)) *world {
	t.Helper()
	w := newWorld(t, rows)
	cfg := servertest.Config(t)
	cfg.AuthFile = w.path
	if change != nil {
		change(&cfg)
	}
	w.Server = servertest.Start(t, cfg)
	return w
}

// newWorld writes an auth file. The server is not started yet.
func newWorld(t testing.TB, rows map[string]string) *world {
	t.Helper()
	w := &world{
		t: t, path: filepath.Join(t.TempDir(), "auth.yaml"), rows: maps.Clone(rows), secrets: map[string][]string{},
		client: &http.Client{
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	t.Cleanup(w.client.CloseIdleConnections)
	for name := range rows {
		secret, _ := authfile.NewSecret()
		w.secrets[name] = []string{secret}
	}
	w.write()
	return w
}

// write replaces the auth file, as an editor or a mounted Secret does.
func (w *world) write() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	b.WriteString("tokens:\n")
	for _, name := range slices.Sorted(maps.Keys(w.rows)) {
		var hashes []string
		for _, secret := range w.secrets[name] {
			hash := authfile.Hash(secret)
			hashes = append(hashes, `"sha256:`+hex.EncodeToString(hash[:])+`"`)
		}
		b.WriteString("  - {name: " + name + ", hash: [" + strings.Join(hashes, ", ") + "], role: " + w.rows[name] + "}\n")
	}
	if err := os.WriteFile(w.path+".new", []byte(b.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(w.path+".new", w.path); err != nil {
		w.t.Fatal(err)
	}
}

// revoke removes a row. Its secret is still remembered.
func (w *world) revoke(name string) {
	w.t.Helper()
	w.mu.Lock()
	delete(w.rows, name)
	w.mu.Unlock()
	w.write()
}

// secret returns the newest secret of a name.
func (w *world) secret(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.secrets[name]
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// file writes the newest secret of a name into a token file.
func (w *world) file(name string) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(w.secret(name)+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// eventually waits for a condition: the server compares the auth file once per second.
func (w *world) eventually(holds func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		<-tick.C
	}
}

// reply is any answer.
type reply struct {
	*http.Response `json:"-"`
	body           string

	Code      string           `json:"code"`
	Detail    string           `json:"detail"`
	Seq       uint64           `json:"seq"`
	Submitter string           `json:"submitter"`
	Name      string           `json:"name"`
	Role      string           `json:"role"`
	Via       map[string]any   `json:"via"`
	Items     []map[string]any `json:"items"`
}

// do sends a request with the token of a name; "" for none.
func (w *world) do(method, path, body, name string, headers ...string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if name != "" {
		r.Header.Set("Authorization", "Bearer "+w.secret(name))
	}
	for _, h := range headers {
		key, value, _ := strings.Cut(h, ": ")
		r.Header.Set(key, value)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := reply{Response: resp}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return a // it never ends
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil && method != http.MethodHead {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	a.body = string(b)
	if strings.Contains(resp.Header.Get("Content-Type"), "json") && len(bytes.TrimSpace(b)) > 0 && b[0] == '{' &&
		!strings.Contains(resp.Header.Get("Content-Type"), "ndjson") {
		if err := json.Unmarshal(b, &a); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, b)
		}
	}
	return a
}

const stop = `{"command":{"type":"stop"}}`
