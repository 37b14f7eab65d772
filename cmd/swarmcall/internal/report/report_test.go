package report

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

const partial = `{"seq": 7, "submitter": "ci/x", "command": {"type": "set_players", "players": 5},
	"target": {}, "status": "partial",
	"submitted_at": "2026-11-24T12:00:00.000Z", "deadline_ms": 2000, "duration_ms": 2000.3,
	"counts": {"targeted": 3, "acked": 1, "rejected": 1, "superseded": 0, "missing": 1, "late": 0},
	"acked": [{"driver_id": "d-1", "latency_ms": 1.2}],
	"rejected": [{"driver_id": "d-2", "latency_ms": 1, "code": "busy", "detail": "<b>\u001b[2J|no"}],
	"superseded": [], "missing": [{"driver_id": "d-3", "reason": "deadline"}], "late": []}`

func sample(t *testing.T, allow string) Report {
	t.Helper()
	s := Step{Name: "set_players 5", Key: "k", Entry: remote.Answer[remote.Entry]{Raw: []byte(partial)},
		Lost: []string{"d-9"}}
	if err := json.Unmarshal(s.Entry.Raw, &s.Entry.Value); err != nil {
		t.Fatal(err)
	}
	if err := s.Allow.UnmarshalText([]byte(allow)); err != nil {
		t.Fatal(err)
	}
	s.Err = verdict.Error(s.Entry.Value, s.Allow)
	return Report{Name: "swarmcall players set 5", Began: time.Unix(0, 0), Took: 2100 * time.Millisecond,
		Steps: []Step{s}, Err: s.Err}
}

// TestJUnit reads the report back: each driver is a case.
func TestJUnit(t *testing.T) {
	for allow, failures := range map[string]int{"0": 3, "2": 1} { // the others of the three are skipped
		b, err := sample(t, allow).junit()
		if err != nil {
			t.Fatal(err)
		}
		var got suites
		if err := xml.Unmarshal(b, &got); err != nil {
			t.Fatalf("%v in\n%s", err, b)
		}
		if got.Failures != failures || got.Skipped != 3-failures || got.Errors != 1 || len(got.Suites) != 1 {
			t.Errorf("allowing %s: %d failures, %d errors\n%s", allow, got.Failures, got.Errors, b)
		}
		if s := got.Suites[0]; s.Tests != len(s.Cases) || s.Tests != 5 || s.Cases[0].Name != "d-1" ||
			s.Cases[0].Time != "0.001" || s.Time != "2.000" {
			t.Errorf("%+v", s)
		}
	}
}

func TestJUnitOfACallThatReachedNothing(t *testing.T) {
	b, err := Report{Name: "swarmcall stop", Err: &clierr.Error{Code: clierr.Unreachable, What: "no server"}}.junit()
	if err != nil || !strings.Contains(string(b), `type="exit 8"`) || !strings.Contains(string(b), `errors="1"`) {
		t.Errorf("%v\n%s", err, b)
	}
}

// TestAnOutcomeNotWaitedForIsNotPassed: it is unknown.
func TestAnOutcomeNotWaitedForIsNotPassed(t *testing.T) {
	s := Step{Name: "stop", Open: true}
	const pending = `{"seq": 7, "command": {"type": "stop"}, "status": "pending", "counts": {"targeted": 2}}`
	if err := json.Unmarshal([]byte(pending), &s.Entry.Value); err != nil {
		t.Fatal(err)
	}
	r := Report{Name: "swarmcall stop --no-wait", Steps: []Step{s}}
	if got := r.markdown(); !strings.Contains(got, "stop --no-wait`: sent, outcome not waited for\n") {
		t.Errorf("%s", got)
	}
	allowed := sample(t, "2")
	allowed.Err = nil
	if got := allowed.markdown(); !strings.Contains(got, "set 5`: accepted, though not all acked\n") {
		t.Errorf("%s", got)
	}
	b, err := r.junit()
	if got := string(b); err != nil || !strings.Contains(got, `skipped="1"`) ||
		!strings.Contains(got, `<skipped message="sent, outcome not waited for">`) {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestJSON(t *testing.T) {
	b, err := sample(t, "0").json()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version  int
		ExitCode int `json:"exit_code"`
		Steps    []struct {
			Key   string `json:"idempotency_key"`
			Lost  []string
			Entry struct{ Seq int }
		}
	}
	if err := json.Unmarshal(b, &got); err != nil || got.Version != 1 || got.ExitCode != 5 ||
		got.Steps[0].Entry.Seq != 7 || got.Steps[0].Key != "k" || got.Steps[0].Lost[0] != "d-9" {
		t.Errorf("%+v, %v\n%s", got, err, b)
	}
}

func TestFile(t *testing.T) {
	for _, bad := range []string{"", "junit", "junit=", "xml=a", "=a"} {
		if new(File).UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	path := filepath.Join(t.TempDir(), "r.xml")
	if err := (File{"junit", path}).Writable(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("asking whether a report can be written leaves one behind")
	}
	if err := sample(t, "0").Write([]File{{"junit", path}}); err != nil {
		t.Error(err)
	}
	if err := (File{"junit", path}).Writable(); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(path); !strings.HasPrefix(string(b), "<?xml") {
		t.Errorf("%s", b)
	}
	if err := sample(t, "0").Write([]File{{"json", path + "/no"}}); clierr.CodeOf(err) != clierr.Failed {
		t.Errorf("%v", err)
	}
}

func TestGitHub(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"GITHUB_STEP_SUMMARY": filepath.Join(dir, "s"), "GITHUB_OUTPUT": filepath.Join(dir, "o")}
	get := func(n string) string { return env[n] }
	var b strings.Builder
	if err := sample(t, "0").GitHub(get, &b); err != nil || b.Len() > 0 {
		t.Errorf("elsewhere: %v, %q", err, b.String())
	}
	env["GITHUB_ACTIONS"] = "true"
	if err := sample(t, "0").GitHub(get, &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"::error title=set_players 5::d-3 missing: deadline\n", "d-9 missing"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	summary, _ := os.ReadFile(env["GITHUB_STEP_SUMMARY"])
	for _, want := range []string{
		"| 7 | set_players 5 | partial | 3 | 1 | 1 | 1 | 0 | 0 | 2000.3 |", `&lt;b>\x1b\[2J\|no`,
	} {
		if !strings.Contains(string(summary), want) {
			t.Errorf("no %q in\n%s", want, summary)
		}
	}
	outputs, _ := os.ReadFile(env["GITHUB_OUTPUT"])
	if !strings.Contains(string(outputs), "exit-code=5\nseq=7\nstatus=partial\nacked=1\nmissing=2\n") {
		t.Errorf("%s", outputs)
	}
}

func TestAnnotationsAreFewAndEscaped(t *testing.T) {
	r := sample(t, "0")
	for range 30 {
		r.Steps[0].Lost = append(r.Steps[0].Lost, "d-x")
	}
	r.Err = &clierr.Error{Code: 3, What: "50% gone\n::stop-commands::x\x1b[2J\u009b1m\r::x"}
	var b strings.Builder
	actions := func(n string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[n] }
	Annotate(actions, &b, r.Name, r.Err)
	got := r.annotations() + b.String()
	if !strings.Contains(got, "::error title=swarmcall players set 5::50%25") {
		t.Errorf("%s", got)
	}
	if strings.Count(got, "\n") != maxAnnotations ||
		!strings.Contains(got, `50%25 gone%0A::stop-commands::x\x1b[2J\u009b1m\x0d::x`+"\n") {
		t.Errorf("%s", got)
	}
}

const withLeftOut = `{"seq": 7, "command": {"type": "set_players", "players_total": 100}, "status": "complete",
	"counts": {"targeted": 2, "acked": 2, "left_out": 3},
	"acked": [{"driver_id": "d-1"}, {"driver_id": "d-2"}], "left_out": [{"driver_id": "d-3", "reason": "stale"},
		{"driver_id": "d-4", "reason": "disconnected"},
	{"driver_id": "d-5", "reason": "other_run"}]}`

// TestLeftOutFailsReports: in each format a left-out driver counts as missing; one that another submitter commands does
// not.
func TestLeftOutFailsReports(t *testing.T) {
	s := Step{Name: "set_players 100 in total", Entry: remote.Answer[remote.Entry]{Raw: []byte(withLeftOut)}}
	if err := json.Unmarshal(s.Entry.Raw, &s.Entry.Value); err != nil {
		t.Fatal(err)
	}
	s.Err = verdict.Error(s.Entry.Value, s.Allow)
	r := Report{Name: "x", Steps: []Step{s}, Err: s.Err}
	junit, err := r.junit()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := r.json()
	if err != nil {
		t.Fatal(err)
	}
	for form, tc := range map[string]struct{ text, want string }{
		"junit":   {string(junit), `<failure type="missing" message="left out: stale">`},
		"other":   {string(junit), `<skipped message="a newer command by another submitter holds for it">`},
		"counts":  {string(junit), `tests="6" failures="2" errors="1" skipped="1"`},
		"json":    {string(doc), `2 of 4 acked, 2 left out (1 disconnected, 1 stale)`},
		"notes":   {r.annotations(), "d-3 left out: stale"},
		"summary": {r.markdown(), "| 2 | 2 | 0 | 0 | 0 | 2 | - |"},
		"outputs": {r.outputs(), "missing=2\n"},
	} {
		if !strings.Contains(tc.text, tc.want) {
			t.Errorf("%s: no %s in\n%s", form, tc.want, tc.text)
		}
	}
	if strings.Contains(r.annotations(), "d-5") {
		t.Errorf("d-5 is blamed:\n%s", r.annotations())
	}
}

// TestNothingToStopIsNotAllAcked: such a call succeeds, but no driver has acked it.
func TestNothingToStopIsNotAllAcked(t *testing.T) {
	logged := Step{Name: "stop"}
	const entry = `{"seq": 7, "command": {"type": "stop"}, "status": "failed",
		"counts": {"targeted": 0}, "awaited": true}`
	if err := json.Unmarshal([]byte(entry), &logged.Entry.Value); err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]Step{
		"nothing to stop": {Name: "stop", Said: "nothing to stop"}, "logged; it stops drivers that return": logged,
	} {
		r := Report{Name: "swarmcall stop", Steps: []Step{s}}
		junit, err := r.junit()
		if err != nil {
			t.Fatal(err)
		}
		doc, err := r.json()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{r.markdown(), string(junit), string(doc)} {
			wrong := slices.ContainsFunc([]string{"all acked", "0 of 0", "<failure"}, func(bad string) bool {
				return strings.Contains(text, bad)
			})
			if wrong || !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
}
