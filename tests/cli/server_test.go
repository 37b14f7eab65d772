package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// server is a real server, as a process of its own.
type server struct {
	*proctest.Server // nil until one was started

	dir  string // of its log
	addr string
}

// startServer starts a server on a free port.
func startServer(dir string, flags ...string) (*server, error) {
	s := &server{dir: dir, addr: "127.0.0.1:0"}
	return s, s.start(flags...)
}

// start starts the process, at the address it had before.
func (s *server) start(flags ...string) error {
	// On a busy machine a healthy driver may be silent for half a second.
	args := append([]string{
		"--listen", s.addr, "--data-dir", filepath.Join(s.dir, "data"),
		"--heartbeat-interval", "50ms", "--stale-after", "2s",
	}, flags...)
	cmd := exec.Command(filepath.Join(binaries, "swarmcall-server"), args...)
	started, err := proctest.StartServer(cmd, patience)
	if err != nil {
		return err
	}
	s.Server, s.addr = started, started.Addr
	return nil
}

func (s *server) url() string { return "http://" + s.addr }

// end ends the process: in order by SIGTERM, or at once by SIGKILL.
func (s *server) end(signal os.Signal) error {
	if s.Server == nil {
		return nil
	}
	s.Signal(signal)
	<-s.Ended
	if code := s.Code(); code != 0 && signal != syscall.SIGKILL {
		return fmt.Errorf("the server ended with %d: %s", code, s.Err)
	}
	return nil
}

// environment returns the environment of the command line, without any settings of this machine.
func environment(home, url string) []string {
	env := []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "USER=tester", "SWARMCALL_URL=" + url,
	}
	for name, otherwise := range map[string]string{"TERM": "xterm-256color", "NO_COLOR": ""} { // a test may set them
		if value, set := os.LookupEnv(name); set && (name != "TERM" || value == "dumb") {
			otherwise = value
		}
		env = append(env, name+"="+otherwise)
	}
	return append(env, "PATH="+binaries+string(os.PathListSeparator)+os.Getenv("PATH"), "TMPDIR="+os.TempDir())
}

// lines are the lines of s that contain part.
func lines(s, part string) (found []string) {
	for line := range strings.Lines(s) {
		if strings.Contains(line, part) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
