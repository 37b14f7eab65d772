package generators

import (
	"errors"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestAMasterWithoutWorkersIsARejection: Locust itself answers success.
func TestAMasterWithoutWorkersIsARejection(t *testing.T) {
	locust := tool(t, "locust", getLocust)
	url := startServer(t)
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	drive(t, url, "locust", "--locust", locust, "-f", "testdata/locustfile.py", "--", "--master", "--master-bind-port",
		port)
	e := command(t, url, players(5))
	if len(e.Rejected) != 1 || e.Rejected[0].Code != "locust_no_workers" {
		t.Errorf("%+v", e)
	}
	applied(t, url, stop)
}

// TestAScriptOfFixedLoadIsRefused: before it is started, and when it already runs.
func TestAScriptOfFixedLoadIsRefused(t *testing.T) {
	program := k6(t)
	refused := func(args ...string) {
		t.Helper()
		out, err := exec.Command(cli, append([]string{"drive", "k6", "--k6", program}, args...)...).CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 ||
			!strings.Contains(string(out), "externally-controlled") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	refused("testdata/fixed.js")
	address := freeAddress(t)
	run := exec.CommandContext(t.Context(), program, "run", "--no-usage-report", "--quiet", "--address", address,
		"testdata/fixed.js")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = run.Process.Kill(); _ = run.Wait() }()
	eventually(t, "k6 runs", func() bool {
		resp, err := http.Get("http://" + address + "/v1/status")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return true
	})
	refused("--attach", "http://"+address)
}

// TestAScriptThatStartsWithVUs: it makes no load before a command, although its options demand it.
func TestAScriptThatStartsWithVUs(t *testing.T) {
	load, url := startTarget(t), startServer(t)
	p := drive(t, url, "k6", "--k6", k6(t), "testdata/started.js", "--", "--no-usage-report", "-e", "TARGET="+load.URL)
	running(t, url, 0)
	if n := load.since(time.Time{}); n > 0 {
		t.Errorf("%d requests before any command", n)
	}
	applied(t, url, players(7)) // above the maximum of its options
	running(t, url, 7)
	end(t, p, load)
}

// TestAttach takes over generators that were started by others, and leaves them running without load.
func TestAttach(t *testing.T) {
	for name, start := range map[string]func(address, target string) (kind string, cmd *exec.Cmd){
		"k6": func(address, target string) (string, *exec.Cmd) {
			return "k6", exec.Command(k6(t), "run", "--no-usage-report", "--quiet", "--address", address, "-e",
				"TARGET="+target, "testdata/controlled.js")
		},
		"locust": func(address, target string) (string, *exec.Cmd) {
			host, port, _ := net.SplitHostPort(address)
			return "locust", exec.Command(tool(t, "locust", getLocust), "-f", "testdata/locustfile.py", "--web-host",
				host, "--web-port", port, "--host", target)
		},
	} {
		t.Run(name, func(t *testing.T) {
			load, address := startTarget(t), freeAddress(t)
			kind, cmd := start(address, load.URL)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			eventually(t, "it listens", func() bool {
				c, err := net.Dial("tcp", address)
				if err == nil {
					_ = c.Close()
				}
				return err == nil
			})
			url := startServer(t)
			p := drive(t, url, kind, "--attach", "http://"+address)
			applied(t, url, players(5))
			running(t, url, 5)
			end(t, p, load)
			if c, err := net.Dial("tcp", address); err != nil {
				t.Errorf("the driver has ended what was not its own: %v", err)
			} else {
				_ = c.Close()
			}
		})
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
