package demo

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

// TestMain also runs the children of the tests: the test binary, started again in the role that its arguments name.
func TestMain(m *testing.M) {
	proc.RunGuardIfRequested()
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "--listen":
			os.Exit(fakeServer(os.Args[1:]))
		case DriverCommand:
			os.Exit(fakeDriver(os.Args[2:]))
		case GuardCommand:
			exitWith(Guard(os.Args[3:], os.Stdin, os.Stdout, os.Stderr)) // after GuardCommand and --
		case roleParent:
			os.Exit(parent(os.Args[2:]))
		case roleConnect:
			os.Exit(connect(os.Args[2]))
		case roleDeaf:
			os.Exit(deaf())
		}
	}
	goleak.VerifyTestMain(m)
}

func exitWith(err error) {
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
