package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// world is what a script has started.
type world struct {
	server  *server
	drivers map[string]*swarmDriver
}

type worldKey struct{}

// TestScripts plays testdata/*.txtar. In addition to testscript's own commands they have `server`, `driver ID …`,
// `proxy NAME`, `code N swarmcall …` and `misses ID N swarmcall …`.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			w := &world{drivers: map[string]*swarmDriver{}}
			env.Values[worldKey{}] = w
			env.Vars = append(environment(env.WorkDir, "http://127.0.0.1:1"), "WORK="+env.WorkDir)
			env.Defer(func() { w.end() })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"server": serverCmd, "driver": driverCmd,
			"code": codeCmd, "misses": missesCmd, "proxy": proxyCmd},
	})
}

func (w *world) end() {
	for _, d := range w.drivers {
		_ = d.end()
	}
	if w.server != nil {
		_ = w.server.end(syscall.SIGKILL)
	}
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// serverCmd: server start [flags] | server stop | server kill.
func serverCmd(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	var err error
	switch {
	case args[0] == "start" && w.server == nil:
		w.server, err = startServer(ts.Getenv("WORK"), args[1:]...)
		ts.Setenv("SWARMCALL_URL", w.server.url())
	case args[0] == "start":
		err = w.server.start(args[1:]...)
	case args[0] == "stop":
		err = w.server.end(syscall.SIGTERM)
	case args[0] == "kill":
		err = w.server.end(syscall.SIGKILL)
	}
	ts.Check(err)
}

// driverCmd: driver start ID [key=value …] | driver hold|reject|ack|end ID | driver applied ID WORDS…
func driverCmd(ts *testscript.TestScript, _ bool, args []string) {
	w, id := worldOf(ts), args[1]
	switch args[0] {
	case "start":
		labels := map[string]string{}
		for _, label := range args[2:] {
			key, value, _ := strings.Cut(label, "=")
			labels[key] = value
		}
		d, err := startDriver(w.server.url(), id, labels)
		ts.Check(err)
		w.drivers[id] = d
	case "ack":
		w.drivers[id].set("")
	case "end":
		ts.Check(w.drivers[id].end())
	case "applied":
		if got := strings.Join(w.drivers[id].commands(), ", "); got != strings.Join(args[2:], " ") {
			ts.Fatalf("%s applied %s", id, got)
		}
	default:
		w.drivers[id].set(args[0])
	}
}

// codeCmd: code N program args… runs it and wants exit code N.
func codeCmd(ts *testscript.TestScript, _ bool, args []string) {
	wantCode(ts, args, exitCode(ts, args[1:]))
}

// exitCode runs a program.
func exitCode(ts *testscript.TestScript, args []string) string {
	if err := ts.Exec(args[0], args[1:]...); err != nil {
		return strings.TrimPrefix(err.Error(), "exit status ")
	}
	return "0"
}

// wantCode compares the exit code of a program with args[0].
func wantCode(ts *testscript.TestScript, args []string, got string) {
	if got != args[0] {
		ts.Fatalf("%s: exit code %s, want %s\n%s", filepath.Base(args[1])+" "+fmt.Sprint(args[2:]), got, args[0],
			ts.ReadFile("stderr"))
	}
}
