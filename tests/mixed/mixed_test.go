// Package mixed runs the demo of several load generators as one swarm, and checks the targets of the Makefile for it
// and for a real k6.
package mixed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

const patience = 5 * time.Minute

// bin is a directory with the programs that were built for these tests.
var bin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if bin, err = os.MkdirTemp("", "mixed-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(bin)
	programs := map[string]string{
		"swarmcall": "../../cmd/swarmcall", "swarmcall-server": "../../cmd/server", "fakek6": "../generators/fakek6",
	}
	if err := proctest.Build("", bin, programs); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// TestDemo: the demo needs no k6, and drives one that is named, here the fake.
func TestDemo(t *testing.T) {
	for name, tc := range map[string]struct {
		args   []string
		code   int
		says   []string
		silent string
	}{
		"without k6": {nil, 0, []string{"without k6: k6 is not here"}, "\n  k6 "},
		"with k6":    {[]string{"--k6", filepath.Join(bin, "fakek6")}, 0, []string{"\n  k6 "}, "without k6"},
		"wrong k6":   {[]string{"--k6", "/none"}, 1, []string{"/none is not here"}, "server at"},
		"other k6": {[]string{"--k6", filepath.Join(bin, "swarmcall")}, 1,
			[]string{"is not k6 1.x: swarmcall "}, "server at"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, code := demo(t, tc.args...)
			if code == 0 {
				tc.says = append(tc.says, "\n  http ", "\n  locust ", "\n  exec ", "stop : complete")
			}
			says := func(words string) bool { return strings.Contains(out, words) }
			if i := slices.IndexFunc(tc.says, func(words string) bool { return !says(words) }); i >= 0 {
				t.Errorf("it does not say %q", tc.says[i])
			}
			if code != tc.code || says(tc.silent) {
				t.Errorf("exit %d, want %d, and not to read %q", code, tc.code, tc.silent)
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// demo runs the demo with no k6 on the PATH.
func demo(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	dirs := slices.DeleteFunc(filepath.SplitList(os.Getenv("PATH")), func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, "k6"))
		return err == nil
	})
	tool(t, "locust", "python3-locust")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool(t, "python3", "python3"), append([]string{"demo.py"}, args...)...)
	cmd.Env = append(os.Environ(), "BIN="+bin, "PATH="+strings.Join(dirs, string(filepath.ListSeparator)))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends what it has started
	cmd.WaitDelay = time.Minute
	return call(t, cmd)
}

func tool(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		testenv.SkipOrFail(t, "%v; get it: apt-get install %s", err, pkg)
	}
	return path
}

// call runs a program to its end, and returns what it printed and its exit code.
func call(t *testing.T, cmd *exec.Cmd) (out string, code int) {
	t.Helper()
	text, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("%v: %v\n%s", cmd, err, text)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// callMake calls make for the repository, with the variables that the arguments set and no others.
func callMake(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(tool(t, "make", "make"), append([]string{"--no-print-directory", "-C", "../.."}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "K6=") || strings.HasPrefix(v, "BIN=")
	})
	return call(t, cmd)
}

// TestMakeDemoMixed: the target gives the demo the programs that it has built, and the k6 that is named.
func TestMakeDemoMixed(t *testing.T) {
	for args, want := range map[string]string{
		"demo-mixed":                   "BIN='bin' python3 tests/mixed/demo.py",
		"demo-mixed BIN=/b K6=/p/a/k6": `BIN='/b' python3 tests/mixed/demo.py --k6 "/p/a/k6"`,
		"compare BIN=/b":               "BIN='/b' python3 tests/mixed/compare.py",
	} {
		out, code := callMake(t, append([]string{"-n"}, strings.Fields(args)...)...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if last := strings.TrimSpace(lines[len(lines)-1]); code != 0 || last != want {
			t.Errorf("make %s: exit %d with %q, want %q", args, code, last, want)
		}
	}
}

// TestMakeTestK6: the target fails without a k6, and selects tests that exist.
func TestMakeTestK6(t *testing.T) {
	if out, code := callMake(t, "test-k6"); code == 0 || !strings.Contains(out, "name a k6 1.x: make test-k6 K6=PATH") {
		t.Errorf("without K6: exit %d\n%s", code, out)
	}
	out, _ := callMake(t, "-n", "test-k6", "K6=/none")
	form := regexp.MustCompile(`-run '([\w|]+)\|\^Test\(([\w|]+)\)\$/\^k6'`)
	selected := form.FindStringSubmatch(out)
	if selected == nil {
		t.Fatalf("the form of the selected tests is not %s:\n%s", form, out)
	}
	tests := testsOf(t, "../generators")
	for part := range strings.SplitSeq(selected[1], "|") {
		if !slices.ContainsFunc(tests, func(test string) bool { return strings.Contains(test, part) }) {
			t.Errorf("no test has %q in its name", part)
		}
	}
	for name := range strings.SplitSeq(selected[2], "|") {
		if !slices.Contains(tests, "Test"+name) {
			t.Errorf("there is no Test%s", name)
		}
	}
}

// testsOf returns the names of the tests in a directory.
func testsOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t `).FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	return names
}
