package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// binaries is the directory with swarmcall and swarmcall-server.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "swarmcall-cli-")
	if err == nil {
		binaries = dir
		err = build(dir, "swarmcall", "./cmd/swarmcall")
	}
	if err == nil {
		err = build(dir, "swarmcall-server", "./cmd/server")
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir, name, pkg string) error {
	c := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg)
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return nil
}

// patience bounds every wait of these tests; none of them sleeps.
const patience = 60 * time.Second
