package observe

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/certtest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// bearer sends a token with each request.
type bearer struct {
	*http.Transport
	token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.Transport.RoundTrip(r)
}

// trusting returns a client with a token.
func trusting(ca *certtest.Authority, token string) *http.Client {
	return &http.Client{Transport: bearer{&http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool}}, token}}
}

// prometheus is a running Prometheus.
type prometheus struct {
	t   testing.TB
	url string
}

func startPrometheus(t testing.TB, config string) *prometheus {
	t.Helper()
	dir, at := t.TempDir(), freePort(t)
	p, err := proctest.Start(exec.Command(program(t, "prometheus"),
		"--config.file="+write(t, dir, "prometheus.yml", config), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+at, "--log.level=warn"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("prometheus says: %s", p.Err)
		}
	})
	return &prometheus{t, "http://" + at}
}

// sample is a value of a series, at the time of a query.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

// query evaluates an expression. It fails while Prometheus is not ready.
func (p *prometheus) query(expr string) ([]sample, error) {
	resp, err := plain.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Status, Error string
		Data          struct{ Result []sample }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s", expr, answer.Error)
	}
	return answer.Data.Result, nil
}

// until waits until an expression has a result.
func (p *prometheus) until(expr string) []sample {
	p.t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(patience)
	for {
		got, err := p.query(expr)
		if err == nil && len(got) > 0 {
			return got
		}
		select {
		case <-again.C:
		case <-deadline:
			p.t.Fatalf("%s has no result: %v", expr, err)
		}
	}
}

// TestPrometheus scrapes a secured server at both of its addresses, and evaluates every expression of the dashboard and
// of the rules.
func TestPrometheus(t *testing.T) {
	s, client, ca, token := startSecured(t)
	rules, err := filepath.Abs(root + "/deploy/prometheus/swarmcall.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	p := startPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 500ms, evaluation_interval: 500ms}
rule_files: [%q]
scrape_configs:
  - job_name: swarmcall
    static_configs: [{targets: [%q]}]
  - job_name: public
    scheme: https
    tls_config: {ca_file: %q}
    authorization: {credentials_file: %q}
    static_configs: [{targets: [%q]}]
`, rules, strings.TrimPrefix(s.ops, "http://"), ca, token, s.Config.Listen))
	command(t, client, s.URL, `{"command":{"type":"set_players","players":5}}`, http.StatusConflict)
	ask(t, plain, http.MethodGet, s.ops+"/livez", "")
	for _, job := range []string{"swarmcall", "public"} {
		p.until(fmt.Sprintf(`up{job=%q} == 1`, job))
		p.until(fmt.Sprintf(`swarmcall_commands_refused_total{job=%q,code="no_active_drivers"} == 1`, job))
		p.until(fmt.Sprintf(`count_over_time(swarmcall_ready{job=%q}[1m]) > 3`, job))
	}
	for _, e := range expressions(t) {
		got, err := p.query(e.text)
		switch {
		case err != nil:
			t.Errorf("%s: %v", e.of, err)
		case len(got) == 0 && !e.mayBeEmpty:
			t.Errorf("%s: no series for %s", e.of, e.text)
		}
	}
	p.until(`count(ALERTS) or vector(0)`)
}
