//go:build linux

package container

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

const patience = 60 * time.Second

// inside is set if this test program runs in its own namespaces.
const inside = "SWARMCALL_TEST_INSIDE"

// TestContainer starts TestInside in a mount and a network namespace of its own: its mounts and ports are private.
func TestContainer(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.SkipOrFail(t, "a chroot and a mount need root")
	}
	again := exec.Command("/proc/self/exe", "-test.run=^TestInside$", "-test.v", "-test.count=1")
	again.Env = append(os.Environ(), inside+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL,
	}
	out, err := again.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		testenv.SkipOrFail(t, "namespaces cannot be made here: %v", err)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestInside")) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// TestInside runs the image of the Dockerfile, as docs/howto/containers.md does.
func TestInside(t *testing.T) {
	if os.Getenv(inside) == "" {
		return // TestContainer runs it
	}
	loopbackUp(t)
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	i := buildImage(t)
	if found, want := filesIn(t, i.root), "data swarmcall swarmcall-server"; found != want {
		t.Fatalf("the root holds %s, want %s", found, want)
	}
	t.Run("without data", func(t *testing.T) { withoutData(t, i) })
	t.Run("compose", func(t *testing.T) { compose(t, i) })
	t.Run("refused name", func(t *testing.T) { refusedName(t, i) })
	t.Run("certificates", func(t *testing.T) { certificates(t, i) })
	t.Run("time zone", func(t *testing.T) { timeZone(t, i) })
}

// container is a root to run programs in, as a user.
type container struct {
	root string
	user *syscall.Credential
	env  []string
}

// create makes a read-only root of the image. With a volume, the data directory is one in memory that belongs to the
// user.
func create(t *testing.T, i image, user string, volume bool) container {
	t.Helper()
	root := t.TempDir()
	mount(t, i.root, root, "", syscall.MS_BIND, "")
	var id uint32
	if _, err := fmt.Sscan(strings.Split(user, ":")[0], &id); err != nil || id == 0 {
		t.Fatalf("the user is %q, and is not to be root", user)
	}
	if volume {
		options := fmt.Sprintf("size=256m,mode=0755,uid=%d,gid=%d", id, id)
		mount(t, "tmpfs", filepath.Join(root, i.volume), "tmpfs", 0, options)
	}
	mount(t, "", root, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, "")
	return container{root: root, user: &syscall.Credential{Uid: id, Gid: id}}
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
	p := &process{Cmd: c.command(context.Background(), argv...), out: new(buffer), ended: make(chan struct{})}
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
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("%s does not end on SIGTERM", p.Path)
	}
	if code := p.ProcessState.ExitCode(); code != 0 {
		t.Errorf("%s ended with %d on SIGTERM", p.Path, code)
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
func healthy(t *testing.T, c container, i image) {
	t.Helper()
	said := ""
	defer func() {
		if t.Failed() {
			t.Logf("%v: %s", i.healthcheck, said)
		}
	}()
	until(t, "it is healthy", func() bool {
		out, code := c.call(t, i.healthcheck...)
		said = out
		return code == 0
	})
}

// withoutData: if nothing can be written, the server reports it at once and names the directory.
func withoutData(t *testing.T, i image) {
	c := create(t, i, i.user, false)
	out, code := c.call(t, append(i.entrypoint, "--insecure-no-auth")...)
	if code != 1 || !strings.Contains(out, "data directory /data") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	out, code = c.call(t, "/swarmcall", "version")
	if code != 0 || !strings.Contains(out, "swarmcall test") {
		t.Errorf("version: exit %d:\n%s", code, out)
	}
	if out, code = c.call(t, i.healthcheck...); code == 0 {
		t.Errorf("health of no server: exit 0:\n%s", out)
	}
}

// compose runs the services of the compose file.
func compose(t *testing.T, i image) {
	all := services(t)
	server, driver := all["swarmcall"], all["driver"]
	for name, s := range all {
		if s.Image != "swarmcall" || !s.ReadOnly || s.User != i.user || fmt.Sprint(s.CapDrop) != "[ALL]" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if fmt.Sprint(server.Volumes) != "[data:"+i.volume+"]" {
		t.Errorf("the volumes are %v, and the image writes to %s", server.Volumes, i.volume)
	}
	c := create(t, i, server.User, true)
	s := c.start(t, append(i.entrypoint, server.Command...)...)
	healthy(t, c, i)

	named := namedBy(t, i, "swarmcall")
	if out, code := named.call(t, "/swarmcall", "health", "--url", "http://swarmcall:8080"); code != 0 {
		t.Errorf("health by the name of the service: exit %d:\n%s", code, out)
	}
	command := strings.Join(driver.Command, "\n")
	command = regexp.MustCompile(`\$\{TARGET:[^}]*\}`).ReplaceAllString(command, target(t))
	d := named.start(t, append(driver.Entrypoint, strings.Split(command, "\n")...)...)
	cli := func(want int, args ...string) string {
		t.Helper()
		out, code := c.call(t, append([]string{"/swarmcall"}, args...)...)
		if code != want {
			t.Fatalf("%v: exit %d:\n%s", args, code, out)
		}
		return out
	}
	cli(0, "wait", "drivers", "1", "--timeout", "60s")
	cli(0, "players", "set", "3", "--deadline", "30s")
	until(t, "the driver runs 3 players", func() bool {
		var roster struct {
			Items []struct{ Reported struct{ Players int } }
		}
		resp, err := http.Get("http://127.0.0.1:8080/drivers")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if err := json.NewDecoder(resp.Body).Decode(&roster); err != nil {
			t.Fatal(err)
		}
		return len(roster.Items) == 1 && roster.Items[0].Reported.Players == 3
	})
	cli(0, "stop", "--yes", "--deadline", "30s")
	backup(t, i, c)
	d.stop(t)
	s.stop(t)
	cli(0, "log", "verify", "--data-dir", "/data")

	again := c.start(t, append(i.entrypoint, server.Command...)...) // the volume stays
	healthy(t, c, i)
	if out := cli(0, "commands", "list", "--json"); !strings.Contains(out, "set_players") {
		t.Errorf("the log has not survived a restart: %s", out)
	}
	again.stop(t)
}

// backup copies the log of a server that runs to another volume, from a container of its own.
func backup(t *testing.T, i image, server container) {
	derived := derive(t, i)
	if err := os.Mkdir(filepath.Join(derived.root, "backup"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := create(t, derived, i.user, false)
	mount(t, filepath.Join(server.root, i.volume), filepath.Join(c.root, i.volume), "", syscall.MS_BIND, "")
	options := fmt.Sprintf("size=64m,uid=%d,gid=%d", c.user.Uid, c.user.Gid)
	mount(t, "tmpfs", filepath.Join(c.root, "backup"), "tmpfs", 0, options)
	for _, args := range [][]string{
		{"/swarmcall", "log", "backup", "--data-dir", "/data", "--to", "/backup/copy"},
		{"/swarmcall", "log", "verify", "--data-dir", "/backup/copy"},
	} {
		if out, code := c.call(t, args...); code != 0 {
			t.Errorf("%v: exit %d:\n%s", args, code, out)
		}
	}
}

// derive copies an image, to add to it.
func derive(t *testing.T, i image) image {
	t.Helper()
	root := t.TempDir()
	for _, file := range []string{"swarmcall", "swarmcall-server"} {
		if err := os.Link(filepath.Join(i.root, file), filepath.Join(root, file)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, i.volume), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	i.root = root
	return i
}

// namedBy returns a container that resolves a name to this machine, as the network of an engine does.
func namedBy(t *testing.T, i image, name string) container {
	t.Helper()
	i = derive(t, i)
	if err := os.Mkdir(filepath.Join(i.root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(i.root, "etc/hosts"), "127.0.0.1 localhost "+name+"\n")
	return create(t, i, i.user, false)
}

// write writes a file for every user.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// refusedName: without --allowed-hosts a service name is refused, and the refusal names the flag to set.
func refusedName(t *testing.T, i image) {
	c := create(t, i, i.user, true)
	s := c.start(t, append(i.entrypoint, "--insecure-no-auth")...)
	healthy(t, c, i)
	named := namedBy(t, i, "swarmcall")
	for _, argv := range [][]string{
		{"/swarmcall", "wait", "drivers", "1", "--url", "http://swarmcall:8080", "--timeout", "60s"},
		{"/swarmcall", "drive", "http", "--url", "http://swarmcall:8080", "--target", "http://127.0.0.1:1"},
	} {
		out, code := named.call(t, argv...)
		if code == 0 || !strings.Contains(out, "--allowed-hosts") {
			t.Errorf("%v: exit %d:\n%s", argv, code, out)
		}
	}
	if out, code := named.call(t, "/swarmcall", "health", "--url", "http://localhost:8080"); code != 0 {
		t.Errorf("by localhost: exit %d:\n%s", code, out)
	}
	s.stop(t)
}

// certificates: the binaries contain none. They use the system's files or those of SSL_CERT_FILE.
func certificates(t *testing.T, i image) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"ok","checks":[]}`))
	}))
	defer server.Close()
	c := create(t, i, i.user, true)
	out, code := c.call(t, "/swarmcall", "health", "--url", server.URL)
	if code != 8 || !strings.Contains(out, "certificate") {
		t.Errorf("without a CA: exit %d:\n%s", code, out)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	write(t, filepath.Join(c.root, i.volume, "ca.pem"), string(ca))
	c.env = []string{"SSL_CERT_FILE=/data/ca.pem"}
	if out, code = c.call(t, "/swarmcall", "health", "--url", server.URL); code != 0 {
		t.Errorf("with the CA: exit %d:\n%s", code, out)
	}
}

// timeZone: TZ names a zone for which the root has no file.
func timeZone(t *testing.T, i image) {
	c := create(t, i, i.user, true)
	c.env = []string{"TZ=Asia/Tokyo"}
	s := c.start(t, append(i.entrypoint, "--insecure-no-auth")...)
	healthy(t, c, i)
	s.stop(t)
	if !strings.Contains(s.out.String(), "+09:00") {
		t.Errorf("its log is not in the time of TZ=Asia/Tokyo:\n%s", s.out)
	}
}

// target returns the URL of a server to load.
func target(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(5 * time.Millisecond) // else three players use the whole CPU
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func filesIn(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// loopbackUp starts the one interface of a new network namespace.
func loopbackUp(t *testing.T) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	request := struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	_, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS,
		uintptr(unsafe.Pointer(&request)))
	if e != 0 {
		t.Fatalf("the loopback interface does not come up: %v", e)
	}
}
