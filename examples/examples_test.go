// Package examples_test runs each example driver through the conformance kit, as `swarmcall driver check` does.
package examples_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/check"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

// TestMain has the drivers run side by side on any machine: they wait far more than they work.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestGo(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "driver")
	if out, err := exec.Command("go", "build", "-o", binary, "./go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	conforms(t, binary)
}

func TestPython(t *testing.T) {
	t.Parallel()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) { // of several, the one that has the library
		python := filepath.Join(dir, "python3")
		if exec.Command(python, "-c", "import websockets").Run() == nil {
			conforms(t, python, "python/driver.py")
			return
		}
	}
	testenv.Lacks(t, "no python3 on the PATH has the module websockets: install Debian's python3-websockets")
}

func TestNode(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("node"); err != nil {
		testenv.Lacks(t, "node is not on the PATH")
	}
	dir := t.TempDir() // node looks for modules beside the program, and the work tree stays clean
	for _, name := range []string{"driver.mjs", "package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join("node", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		testenv.Lacks(t, "npm ci: %v: %s", err, out)
	}
	conforms(t, "node", filepath.Join(dir, "driver.mjs"))
}

// patience is for a first connection: three drivers and their runtimes start on one machine.
const patience = time.Minute

// conforms wants the driver to keep every duty that the kit can try on a driver without limits of its own.
func conforms(t *testing.T, command ...string) {
	t.Helper()
	testenv.Slow(t, "takes most of a minute, in real time")
	transcript := filepath.Join(t.TempDir(), "transcript.jsonl")
	var report strings.Builder
	err := check.Run(t.Context(), check.Options{
		Listen: "127.0.0.1:0", Players: 10, Wait: patience, Command: command, Transcript: transcript, Out: &report, Err: t.Output(),
	})
	t.Logf("\n%s", report.String())
	if err != nil || !strings.Contains(report.String(), ": 21 passed, 0 failed, 1 not tried") {
		lines, _ := os.ReadFile(transcript)
		t.Errorf("%v\n%s", err, lines)
	}
}

// TestExamplesAreShort: they are for reading.
func TestExamplesAreShort(t *testing.T) {
	for _, name := range []string{"go/main.go", "python/driver.py", "node/driver.mjs"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), "\n"); n > 60 {
			t.Errorf("%s has %d lines, over 60", name, n)
		}
	}
}
