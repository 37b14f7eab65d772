package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// container is a root to run programs in, as a user.
type container struct {
	root string
	user *syscall.Credential
	env  []string
}

// create makes a read-only root of the image. With a volume, the data directory is one in memory; it has the owner that
// the directory has in the image.
func create(t *testing.T, i image, user string, volume bool) container {
	t.Helper()
	root := t.TempDir()
	mount(t, i.root, root, "", syscall.MS_BIND, "")
	c := container{root: root, user: new(syscall.Credential)}
	if _, err := fmt.Sscanf(user, "%d:%d", &c.user.Uid, &c.user.Gid); err != nil {
		t.Fatalf("the user is %q: %v", user, err)
	}
	if volume {
		var owner syscall.Stat_t
		if err := syscall.Stat(filepath.Join(root, i.volume), &owner); err != nil {
			t.Fatal(err)
		}
		options := fmt.Sprintf("size=256m,mode=0755,uid=%d,gid=%d", owner.Uid, owner.Gid)
		mount(t, "tmpfs", filepath.Join(root, i.volume), "tmpfs", 0, options)
	}
	mount(t, "", root, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, "")
	return c
}

func mount(t *testing.T, source, at, kind string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount(source, at, kind, flags, data); err != nil {
		t.Fatalf("mount %s at %s: %v", source, at, err)
	}
	if flags&syscall.MS_REMOUNT == 0 {
		t.Cleanup(func() {
			if err := syscall.Unmount(at, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
}

func (c container) command(ctx context.Context, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Path, cmd.Err, cmd.Dir = argv[0], nil, "/"
	cmd.Env = append([]string{"PATH=/"}, c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: c.user, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// call runs a program to its end, and returns what it printed and its exit code.
func (c container) call(t *testing.T, argv ...string) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := c.command(ctx, argv...)
	text, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("%v: %v", argv, err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// process is a service that runs.
type process struct {
	*exec.Cmd
	out   *buffer
	ended chan struct{}
}

// start runs a program as process 1 of a process namespace, as container engines do.
func (c container) start(t *testing.T, argv ...string) *process {
	t.Helper()
	return startFirst(t, c.command(context.Background(), argv...), argv)
}

// startWithProc does so with the /proc of this namespace. Only a process in it can mount that, before it becomes the
// program.
func (c container) startWithProc(t *testing.T, argv ...string) *process {
	t.Helper()
	args := append([]string{
		"--mount-proc=" + filepath.Join(c.root, "proc"), tool(t, "chroot", "coreutils"),
		fmt.Sprintf("--userspec=%d:%d", c.user.Uid, c.user.Gid), "--groups=", c.root,
	}, argv...)
	cmd := exec.Command(tool(t, "unshare", "util-linux"), args...)
	cmd.Env = append([]string{"PATH=/"}, c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return startFirst(t, cmd, argv)
}

func tool(t *testing.T, name, from string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		testenv.SkipOrFail(t, "%v; get it: apt-get install %s", err, from)
	}
	return path
}

// startFirst starts process 1 of a process namespace.
func startFirst(t *testing.T, cmd *exec.Cmd, argv []string) *process {
	t.Helper()
	p := &process{Cmd: cmd, out: new(buffer), ended: make(chan struct{})}
	p.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID
	p.Stdout, p.Stderr = p.out, p.out
	if err := p.Start(); err != nil {
		t.Fatalf("%v: %v", argv, err)
	}
	go func() { defer close(p.ended); _ = p.Wait() }()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("%v:\n%s", argv, p.out)
		}
	})
	return p
}

// stop sends the signal that engines send, and expects exit code 0.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.endsOn(t, syscall.SIGTERM, 0)
}

func (p *process) endsOn(t *testing.T, s syscall.Signal, want int) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("%s does not end on %v", p.Path, s)
	}
	if code := p.ProcessState.ExitCode(); code != want {
		t.Errorf("%s ended with %d on %v, want %d", p.Path, code, s, want)
	}
}

// buffer may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.After(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-late:
			t.Fatalf("not in %v: %s", patience, what)
		case <-again.C:
		}
	}
}

// healthy waits until the health check of the image succeeds.
func (p *process) healthy(t *testing.T, c container, i image) {
	t.Helper()
	said := ""
	defer func() {
		if t.Failed() {
			t.Logf("%v: %s", i.healthcheck, said)
		}
	}()
	until(t, "it is healthy", func() bool {
		select {
		case <-p.ended:
			t.Fatalf("%s ended", p.Path)
		default:
		}
		out, code := c.call(t, i.healthcheck...)
		said = out
		return code == 0
	})
}

// mustCall runs a program that has to succeed, and returns what it printed.
func (c container) mustCall(t *testing.T, argv ...string) string {
	t.Helper()
	out, code := c.call(t, argv...)
	if code != 0 {
		t.Fatalf("%v: exit %d:\n%s", argv, code, out)
	}
	return out
}
