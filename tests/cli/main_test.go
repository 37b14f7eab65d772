package cli

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// binaries is the directory with swarmcall and swarmcall-server.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "swarmcall-cli-")
	if err == nil {
		binaries = dir
		err = proctest.Build("../..", dir, map[string]string{
			"swarmcall": "./cmd/swarmcall", "swarmcall-server": "./cmd/server",
		})
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

// patience bounds every wait of these tests; none of them sleeps.
const patience = 60 * time.Second
