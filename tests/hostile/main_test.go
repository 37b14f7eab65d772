package hostile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

const patience = 3 * time.Minute // limit of every wait, which only a hang reaches

// soak is set by `make soak`: then every count is the full one.
var soak = os.Getenv("SWARMCALL_SOAK") == "1"

// program is the server, built once.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "swarmcall-hostile-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build what the tests are about:", err)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// build builds the server as it is released, plus the profiler of the tests of size.
func build(dir string) error {
	added, err := filepath.Abs("../size/testdata/pprof.go")
	if err != nil {
		return err
	}
	place, err := filepath.Abs("../../cmd/server/pprof.go")
	if err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{place: added}})
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return err
	}
	program = filepath.Join(dir, "server")
	return proctest.Build("", dir, map[string]string{"server": "github.com/swarmcall/swarmcall/cmd/server"},
		"-overlay", file)
}
