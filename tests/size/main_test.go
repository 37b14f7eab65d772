package size

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

const (
	serverEnv = "SWARMCALL_TEST_SERVER"
	childEnv  = "SWARMCALL_TEST_CHILD" // the role of a child process
)

// soak is set by `make soak`: then bounds are enforced, and the soak is long.
var soak = os.Getenv("SWARMCALL_SOAK") == "1"

// binary is the server, built once.
var binary string

func TestMain(m *testing.M) {
	if what := os.Getenv(childEnv); what != "" {
		os.Exit(child(what))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "swarmcall-size")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// build builds the server as it is released, plus one file: the profiler, which shows what /proc does not.
func build(dir string) error {
	if binary = os.Getenv(serverEnv); binary != "" {
		return nil
	}
	binary = filepath.Join(dir, "swarmcall-server")
	added, err := filepath.Abs("testdata/pprof.go")
	if err != nil {
		return err
	}
	main, err := filepath.Abs("../../cmd/server/pprof.go")
	if err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{main: added}})
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return err
	}
	pkg := "github.com/swarmcall/swarmcall/cmd/server"
	if out, err := exec.Command("go", "build", "-overlay", file, "-o", binary, pkg).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// held fails the test if a figure is over its bound, but only under `make soak`.
func held(t testing.TB, what string, figure, bound float64) {
	t.Helper()
	if soak && figure > bound {
		t.Errorf("%s: %.2f, want at most %.2f", what, figure, bound)
	}
}
