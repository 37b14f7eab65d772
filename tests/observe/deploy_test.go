package observe

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/swarmcall/swarmcall/internal/metrics"
)

// expression is a query of what deploy/ has.
type expression struct {
	of, text   string
	mayBeEmpty bool // it selects what is not there on a server that is well
}

// dashboard is deploy/grafana/swarmcall.json, as far as it is tested.
type dashboard struct {
	Panels []struct {
		ID          int
		Title, Type string
		GridPos     struct{ X, Y, W, H int }
		Targets     []struct{ RefID, Expr string }
	}
	Annotations struct{ List []struct{ Name, Expr string } }
	Templating  struct {
		List []struct{ Name, Definition string }
	}
}

func readDashboard(t testing.TB) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal(read(t, "grafana/swarmcall.json"), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(root + "/deploy/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// expressions are the queries of the dashboard, with its variables replaced, and of the rules.
func expressions(t testing.TB) (out []expression) {
	t.Helper()
	replaced := strings.NewReplacer("$job", "swarmcall", "$instance", ".+", "$__rate_interval", "1m", "$__interval", "15s")
	d := readDashboard(t)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			out = append(out, expression{of: "panel " + p.Title, text: replaced.Replace(target.Expr)})
		}
	}
	for _, a := range d.Annotations.List {
		out = append(out, expression{of: "annotation " + a.Name, text: replaced.Replace(a.Expr), mayBeEmpty: true})
	}
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(read(t, "prometheus/swarmcall.rules.yml"), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			out = append(out, expression{of: "alert " + r.Alert, text: r.Expr, mayBeEmpty: true})
		}
	}
	if len(out) < 40 {
		t.Fatalf("only %d expressions were found", len(out))
	}
	return out
}

// TestExpressionsNameMetricsThatExist: an alert on a metric that is gone would never be raised.
func TestExpressionsNameMetricsThatExist(t *testing.T) {
	known := map[string]bool{}
	m := metrics.New(metrics.Build{})
	m.Read(metrics.Sources{
		Certificate: func() time.Time { return time.Time{} }, Webhooks: func() []metrics.Webhook { return nil },
	})
	for _, row := range m.Table() {
		for _, suffix := range []string{"", "_bucket", "_count", "_sum"} {
			known[row.Name+suffix] = true
		}
	}
	for _, e := range expressions(t) {
		for _, name := range regexp.MustCompile(`swarmcall_\w+`).FindAllString(e.text, -1) {
			if !known[name] {
				t.Errorf("%s: there is no metric %s", e.of, name)
			}
		}
	}
}

func TestDashboardIsConsistent(t *testing.T) {
	d := readDashboard(t)
	var ids []int
	cells := map[string]string{}
	for _, p := range d.Panels {
		if slices.Contains(ids, p.ID) {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids = append(ids, p.ID)
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				at := fmt.Sprint(x, " ", y)
				if cells[at] != "" || x > 23 {
					t.Fatalf("%s and %s overlap at %s, or are too wide", p.Title, cells[at], at)
				}
				cells[at] = p.Title
			}
		}
	}
	for _, v := range d.Templating.List {
		if v.Definition != "" && !strings.Contains(v.Definition, "swarmcall_build_info") {
			t.Errorf("variable %s: %s", v.Name, v.Definition)
		}
	}
}

func TestRulesByPromtool(t *testing.T) {
	said, err := promtool(t, "", "check", "rules", root+"/deploy/prometheus/swarmcall.rules.yml")
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	said, err = promtool(t, "", "check", "config", root+"/deploy/prometheus/prometheus.yml")
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	said, err = promtool(t, "", "test", "rules", root+"/deploy/prometheus/swarmcall.rules.test.yml")
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// TestRulesAreAllTested: a rule that no test raises is not known to work.
func TestRulesAreAllTested(t *testing.T) {
	text := string(read(t, "prometheus/swarmcall.rules.test.yml"))
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(
		string(read(t, "prometheus/swarmcall.rules.yml")), -1) {
		if strings.Count(text, m[1]) < 2 {
			t.Errorf("%s has no test that raises it and none that does not", m[1])
		}
	}
}
