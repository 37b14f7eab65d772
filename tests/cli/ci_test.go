package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const ciFiles = "../../deploy/ci"

// action is a composite action, with the fields of GitHub's reference.
type action struct {
	Name        string
	Description string
	Inputs      map[string]struct {
		Description string
		Required    bool
		Default     *string
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []actionStep
	}
}

type actionStep struct {
	Name, ID, If, Shell, Run, Uses string
	Env, With                      map[string]string
}

func strictly(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(ciFiles, path))
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

var expression = regexp.MustCompile(`\$\{\{\s*([a-z]+)\.([\w.-]+?)\s*\}\}`)

// TestGitHubAction: every step can run, every input is used, every output has a value, and no input is pasted into a
// script.
func TestGitHubAction(t *testing.T) {
	var a action
	strictly(t, "github/action.yml", &a)
	if a.Name == "" || a.Description == "" || a.Runs.Using != "composite" {
		t.Errorf("it is no composite action: %+v", a)
	}
	used := map[string]bool{}
	for _, s := range a.Runs.Steps {
		if s.Run == "" || s.Shell != "bash" {
			t.Errorf("step %s must say what it runs, in bash", s.Name)
		}
		if expression.MatchString(s.Run) {
			t.Errorf("step %s pastes an expression into its script: the author of that value could run any command", s.Name)
		}
		for _, value := range s.Env {
			for _, m := range expression.FindAllStringSubmatch(value, -1) {
				if _, known := a.Inputs[m[2]]; m[1] != "inputs" || !known {
					t.Errorf("step %s reads %s", s.Name, value)
				}
				used[m[2]] = true
			}
		}
		shellCheck(t, s.Run)
	}
	for name, input := range a.Inputs {
		if !used[name] || input.Description == "" || input.Required == (input.Default != nil) {
			t.Errorf("input %s must be used, described, and required or have a default", name)
		}
	}
	for name, output := range a.Outputs {
		if output.Value != "${{ steps.swarmcall.outputs."+name+" }}" || output.Description == "" {
			t.Errorf("output %s is %s", name, output.Value)
		}
	}
}

// TestGitHubActionRuns runs the script of the action as the runner would.
func TestGitHubActionRuns(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	var a action
	strictly(t, "github/action.yml", &a)
	i := slices.IndexFunc(a.Runs.Steps, func(s actionStep) bool { return s.ID == "swarmcall" })
	run := func(what string, more ...string) (out, outputs string, code int) {
		dir := t.TempDir()
		c := exec.Command("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", a.Runs.Steps[i].Run)
		c.Dir = dir
		c.Env = append(environment(dir, "http://127.0.0.1:1"),
			append(more, "GITHUB_ACTIONS=true", "GITHUB_OUTPUT="+dir+"/out",
				"INPUT_URL="+s.url(), "INPUT_RUN="+what, "INPUT_JUNIT=report.xml")...)
		b, _ := c.CombinedOutput()
		o, _ := os.ReadFile(dir + "/out")
		if _, err := os.Stat(dir + "/report.xml"); err != nil && c.ProcessState.ExitCode() != 2 {
			t.Errorf("no report: %v\n%s", err, b)
		}
		return string(b), string(o), c.ProcessState.ExitCode()
	}
	if out, outputs, code := run("players set 5 --note *", "INPUT_TOKEN=secret"); code != 0 ||
		!strings.Contains(outputs, "acked=2\n") || strings.Contains(out, "secret") {
		t.Errorf("code %d\n%s\n%s", code, out, outputs)
	}
	if out, outputs, code := run("players set 4\n  --driver d-1\n"); code != 0 ||
		!strings.Contains(outputs, "acked=1\n") {
		t.Errorf("the second line is lost: code %d\n%s\n%s", code, out, outputs)
	}
	if out, _, code := run("stop ; touch owned"); code != 2 {
		t.Errorf("words are not words: code %d\n%s", code, out)
	}
	drivers["d-2"].set("reject")
	if out, outputs, code := run("players set 6"); code != 5 || !strings.Contains(outputs, "exit-code=5\n") ||
		!strings.Contains(out, "::error title=set_players 6::d-2 rejected") {
		t.Errorf("code %d\n%s\n%s", code, out, outputs)
	}
}

// TestGitHubExample: it uses the action by its inputs, and stops the load whatever happens.
func TestGitHubExample(t *testing.T) {
	var w struct {
		Name        string
		On          map[string]any
		Concurrency string
		Jobs        map[string]struct {
			RunsOn  string `yaml:"runs-on"`
			Timeout int    `yaml:"timeout-minutes"`
			Env     map[string]string
			Steps   []actionStep
		}
	}
	strictly(t, "github/example.yml", &w)
	var a action
	strictly(t, "github/action.yml", &a)
	stops := false
	for _, s := range w.Jobs["load"].Steps {
		if !strings.Contains(s.Uses, "deploy/ci/github") {
			continue
		}
		stops = stops || (s.If == "always()" && strings.HasPrefix(s.With["run"], "stop --label "))
		for name := range s.With {
			if _, known := a.Inputs[name]; !known {
				t.Errorf("step %s gives %s, which is no input", s.Name, name)
			}
		}
		known(t, s.With["run"])
	}
	if !stops {
		t.Error("no step stops what was started always, and nothing else")
	}
}

// TestGitLabJob: its scripts are shell, its variables are declared, and it stops the load at the end.
func TestGitLabJob(t *testing.T) {
	var jobs map[string]struct {
		Image         string
		Interruptible bool
		ResourceGroup string `yaml:"resource_group"`
		Variables     map[string]string
		Before        []string `yaml:"before_script"`
		Script        []string
		After         []string `yaml:"after_script"`
		Artifacts     struct {
			When    string
			Expire  string `yaml:"expire_in"`
			Reports map[string]string
		}
	}
	strictly(t, "gitlab/swarmcall.yml", &jobs)
	j := jobs[".swarmcall"]
	all := slices.Concat(j.Before, j.Script, j.After)
	for _, script := range all {
		shellCheck(t, script)
	}
	for _, m := range regexp.MustCompile(`\$\{?(SWARMCALL_\w+)`).FindAllStringSubmatch(strings.Join(all, "\n"), -1) {
		if _, declared := j.Variables[m[1]]; !declared {
			t.Errorf("%s is not declared", m[1])
		}
	}
	if !strings.Contains(strings.Join(j.After, "\n"), "swarmcall stop --yes $SWARMCALL_STOP") ||
		j.Artifacts.When != "always" || j.Artifacts.Reports["junit"] != "$SWARMCALL_REPORT" {
		t.Errorf("it does not stop, or reports nothing: %+v", j)
	}
	known(t, j.Variables["SWARMCALL_RUN"])

	s, drivers := newWorld(t)
	join(t, s, drivers, "d-1", map[string]string{"team": "shop"})
	join(t, s, drivers, "other", map[string]string{"team": "b"})
	dir := t.TempDir()
	c := exec.Command("sh", "-e", "-c", strings.Join(slices.Concat(j.Script, j.After), "\n"))
	c.Dir, c.Env = dir, append(environment(dir, s.url()), "SWARMCALL_RUN=players set 3 --label team=shop",
		"SWARMCALL_REPORT=r.xml", "SWARMCALL_STOP=--label team=shop")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if got := drivers["d-1"].commands(); !slices.Equal(got, []string{"players 3", "stop"}) {
		t.Errorf("d-1 applied %q", got)
	}
	if got := drivers["other"].commands(); len(got) > 0 {
		t.Errorf("the driver of another team applied %q", got)
	}
	if _, err := os.Stat(dir + "/r.xml"); err != nil {
		t.Error(err)
	}
	if err := drivers["d-1"].end(); err != nil {
		t.Fatal(err)
	}
	// The drivers of the job have left before its last step.
	again := exec.Command("sh", "-e", "-c", strings.Join(j.After, "\n"))
	again.Dir, again.Env = dir, c.Env
	if out, err := again.CombinedOutput(); err != nil || !strings.Contains(string(out), "nothing to stop") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestGitLabJobStopsNothingByDefault: a job that runs load must name what to stop; on a server of its own that may be
// all drivers.
func TestGitLabJobStopsNothingByDefault(t *testing.T) {
	var jobs map[string]struct {
		Script []string
		After  []string `yaml:"after_script"`
	}
	b, err := os.ReadFile("../../deploy/ci/gitlab/swarmcall.yml")
	if err == nil {
		err = yaml.Unmarshal(b, &jobs)
	}
	if err != nil {
		t.Fatal(err)
	}
	j := jobs[".swarmcall"]
	s, drivers := newWorld(t, "d-1")
	run := func(scripts []string, env ...string) (string, error) {
		c := exec.Command("sh", "-e", "-c", strings.Join(scripts, "\n"))
		c.Dir, c.Env = t.TempDir(), append(append(environment(t.TempDir(), s.url()), "SWARMCALL_REPORT=r.xml"), env...)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := run(j.Script, "SWARMCALL_RUN=players set 3"); err == nil ||
		!strings.Contains(out, "SWARMCALL_STOP is not set") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run(slices.Concat(j.Script, j.After), "SWARMCALL_RUN=doctor"); err != nil ||
		!strings.Contains(out, "there is nothing to stop") {
		t.Errorf("%v\n%s", err, out)
	}
	if got := drivers["d-1"].commands(); len(got) > 0 {
		t.Errorf("d-1 applied %q", got)
	}
	if out, err := run(j.After, "SWARMCALL_STOP=everybody"); err != nil || !drivers["d-1"].until("stop") {
		t.Errorf("%v\n%s", err, out)
	}
}

// known checks that the command line has such a verb.
func known(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)
	if out, err := exec.Command(filepath.Join(binaries, "swarmcall"), words[0],
		"--help").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "Usage: swarmcall "+words[0]) {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}

func shellCheck(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("bash", "-n", "-c", script).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, script)
	}
}
