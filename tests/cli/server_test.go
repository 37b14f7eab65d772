package cli

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// server is a real server, as a process of its own.
type server struct {
	dir   string // of its log
	addr  string
	cmd   *exec.Cmd
	ended chan error
	log   *watched
}

var listening = regexp.MustCompile(`msg=listening addr=(\S+)`)

// startServer starts a server on a free port.
func startServer(dir string, flags ...string) (*server, error) {
	s := &server{dir: dir, addr: "127.0.0.1:0"}
	return s, s.start(flags...)
}

// start starts the process, at the address it had before.
func (s *server) start(flags ...string) error {
	// On a busy machine a driver may say nothing for half a second, and is there all the same.
	args := append([]string{
		"--listen", s.addr, "--data-dir", filepath.Join(s.dir, "data"),
		"--heartbeat-interval", "50ms", "--stale-after", "2s",
	}, flags...)
	s.cmd = exec.Command(filepath.Join(binaries, "swarmcall-server"), args...)
	logs, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.log = newWatched()
	addr := make(chan string, 1)
	s.ended = make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(logs)
		for lines.Scan() {
			_, _ = s.log.Write(append(lines.Bytes(), '\n'))
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				addr <- m[1]
			}
		}
		_, _ = io.Copy(io.Discard, logs)
		s.ended <- s.cmd.Wait()
	}()
	select {
	case s.addr = <-addr:
		return nil
	case err := <-s.ended:
		s.ended <- err
		return errors.Join(errors.New("the server ended"), err)
	case <-time.After(patience):
		return errors.New("the server does not listen")
	}
}

func (s *server) url() string { return "http://" + s.addr }

// end ends the process: in order by SIGTERM, or at once by SIGKILL.
func (s *server) end(signal os.Signal) error {
	if err := s.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	err := <-s.ended
	s.ended <- err
	if signal == syscall.SIGKILL {
		return nil
	}
	return err
}

// environment is what the command line gets: nothing of this machine's settings.
func environment(home, url string) []string {
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "USER=tester", "SWARMCALL_URL=" + url}
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
