//go:build linux

package container

import (
	"bytes"
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
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
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
	if found, want := filesIn(t, i.root), "data etc swarmcall swarmcall-server"; found != want {
		t.Fatalf("the root holds %s, want %s", found, want)
	}
	if i.user == "" || strings.HasPrefix(i.user, "0:") || i.user == "root" {
		t.Fatalf("the user is %q, and is not to be root", i.user)
	}
	t.Run("without data", func(t *testing.T) { withoutData(t, i) })
	t.Run("one server", func(t *testing.T) { oneServer(t, i) })
	t.Run("compose", func(t *testing.T) { compose(t, i) })
	t.Run("a program", func(t *testing.T) { program(t, i) })
	t.Run("refused name", func(t *testing.T) { refusedName(t, i) })
	t.Run("certificates", func(t *testing.T) { certificates(t, i) })
	t.Run("time zone", func(t *testing.T) { timeZone(t, i) })
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

// oneServer runs the commands of the page for one server.
func oneServer(t *testing.T, i image) {
	run := documentedRun(t, i, "-d")
	if run.User != i.user || !run.ReadOnly || fmt.Sprint(run.CapDrop) != "[ALL]" ||
		fmt.Sprint(run.Volumes) != "[swarmcall:"+i.volume+"]" {
		t.Errorf("docker run: %+v", run)
	}
	c := create(t, i, run.User, true)
	s := c.start(t, append(run.Entrypoint, run.Command...)...)
	s.healthy(t, c, i)
	for _, argv := range documented(t, "docker exec swarmcall") {
		if out, code := c.call(t, argv...); code != 0 {
			t.Errorf("%v: exit %d:\n%s", argv, code, out)
		}
	}
	second := append(run.Entrypoint, append(run.Command, "--listen", "0.0.0.0:8081")...)
	if out, code := c.call(t, second...); code != 1 || !strings.Contains(out, i.volume) {
		t.Errorf("a second server on the same volume: exit %d:\n%s", code, out)
	}
	s.endsOn(t, syscall.SIGINT, 0)
	if help := c.mustCall(t, append(run.Entrypoint, "--help")...); !strings.Contains(help, "SWARMCALL_LISTEN") {
		t.Errorf("--help:\n%s", help)
	}
}

// compose runs the services of the compose file, and the commands of the page for them.
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
	c.env = []string{"SWARMCALL_DEFAULT_DEADLINE=30s"} // of a busy machine
	s := c.start(t, append(i.entrypoint, server.Command...)...)
	s.healthy(t, c, i)

	named := namedBy(t, i, "swarmcall")
	if out, code := named.call(t, "/swarmcall", "health", "--url", "http://swarmcall:8080"); code != 0 {
		t.Errorf("health by the name of the service: exit %d:\n%s", code, out)
	}
	command := strings.Join(driver.Command, "\n")
	command = regexp.MustCompile(`\$\{TARGET:[^}]*\}`).ReplaceAllString(command, target(t))
	var drivers []*process
	for range driver.Deploy.Replicas {
		drivers = append(drivers, named.start(t, append(driver.Entrypoint, strings.Split(command, "\n")...)...))
	}
	for _, argv := range documented(t, "docker compose -f deploy/compose/compose.yaml exec swarmcall") {
		c.mustCall(t, argv...)
		switch argv[1] {
		case "players":
			report(t, len(drivers), 10)
		case "stop":
			report(t, len(drivers), 0)
		}
	}
	backup(t, i, c)
	drivers[0].stop(t)
	drivers[1].endsOn(t, syscall.SIGINT, 130)
	report(t, 0, 0) // they have deregistered
	s.stop(t)
	c.mustCall(t, "/swarmcall", "log", "verify", "--data-dir", "/data")

	again := c.start(t, append(i.entrypoint, server.Command...)...) // the volume stays
	again.healthy(t, c, i)
	if out := c.mustCall(t, "/swarmcall", "commands", "list", "--json"); !strings.Contains(out, "set_players") {
		t.Errorf("the log has not survived a restart: %s", out)
	}
	again.stop(t)
}

// report waits until the server knows so many drivers, and each reports so many players.
func report(t *testing.T, drivers, players int) {
	t.Helper()
	until(t, fmt.Sprintf("%d drivers report %d players", drivers, players), func() bool {
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
		n := 0
		for _, d := range roster.Items {
			if d.Reported.Players == players {
				n++
			}
		}
		return n == drivers && len(roster.Items) == drivers
	})
}

// backup copies the log of a server that runs to another volume, as the page does: as root, in a container of its own.
func backup(t *testing.T, i image, server container) {
	run := documentedRun(t, i, "--entrypoint")
	if len(run.Volumes) != 2 {
		t.Fatalf("the volumes of a backup are %v", run.Volumes)
	}
	_, data, _ := strings.Cut(run.Volumes[0], ":")
	_, to, _ := strings.Cut(run.Volumes[1], ":")
	derived := i.derive(t)
	if err := os.Mkdir(filepath.Join(derived.root, to), 0o755); err != nil {
		t.Fatal(err)
	}
	c := create(t, derived, run.User, false)
	mount(t, filepath.Join(server.root, i.volume), filepath.Join(c.root, data), "", syscall.MS_BIND, "")
	mount(t, "tmpfs", filepath.Join(c.root, to), "tmpfs", 0, "size=64m,mode=0755")
	c.mustCall(t, append(run.Entrypoint, run.Command...)...)
	c.mustCall(t, "/swarmcall", "log", "verify", "--data-dir", run.Command[len(run.Command)-1])
}

// namedBy returns a container that resolves a name to this machine, as the network of an engine does.
func namedBy(t *testing.T, i image, name string) container {
	t.Helper()
	i = i.derive(t)
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
	s.healthy(t, c, i)
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

// program: a driver can start a program. It warns where there is no /proc, which it needs to end all that this started.
func program(t *testing.T, i image) {
	derived := i.derive(t)
	t.Setenv("CGO_ENABLED", "0")
	if err := proctest.Build("", derived.root, map[string]string{"program": "./program"}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(derived.root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := create(t, derived, i.user, true)
	s := c.start(t, append(i.entrypoint, "--insecure-no-auth", "--default-deadline", "30s")...)
	s.healthy(t, c, i)
	const warning = "without /proc the driver cannot find the processes that its generator starts"
	for name, start := range map[string]func(*testing.T, ...string) *process{
		"with /proc": c.startWithProc, "without /proc": c.start,
	} {
		d := start(t, "/swarmcall", "drive", "exec", "--url", "http://127.0.0.1:8080", "--", "/program")
		c.mustCall(t, "/swarmcall", "wait", "drivers", "1")
		c.mustCall(t, "/swarmcall", "players", "set", "3")
		report(t, 1, 3)
		d.stop(t)
		if warns := strings.Contains(d.out.String(), warning); warns != (name == "without /proc") {
			t.Errorf("%s:\n%s", name, d.out)
		}
	}
	s.stop(t)
}

// certificates: the image has a file of them. Without it, SSL_CERT_FILE names one.
func certificates(t *testing.T, i image) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"ok","checks":[]}`))
	}))
	defer server.Close()
	health := []string{"/swarmcall", "health", "--url", server.URL}
	if out, code := create(t, i, i.user, false).call(t, health...); code != 0 {
		t.Errorf("with the CA of the image: exit %d:\n%s", code, out)
	}
	bare := i.derive(t)
	if err := os.RemoveAll(filepath.Join(bare.root, "etc")); err != nil {
		t.Fatal(err)
	}
	c := create(t, bare, i.user, true)
	out, code := c.call(t, health...)
	if code != 8 || !strings.Contains(out, "certificate") {
		t.Errorf("without a CA: exit %d:\n%s", code, out)
	}
	write(t, filepath.Join(c.root, i.volume, "ca.pem"), ca())
	c.env = []string{"SSL_CERT_FILE=/data/ca.pem"}
	if out, code = c.call(t, health...); code != 0 {
		t.Errorf("with the CA in SSL_CERT_FILE: exit %d:\n%s", code, out)
	}
}

// ca is the certificate that all servers of package httptest have.
func ca() string {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// timeZone: TZ names a zone for which the root has no file.
func timeZone(t *testing.T, i image) {
	c := create(t, i, i.user, true)
	c.env = []string{"TZ=Asia/Tokyo"}
	s := c.start(t, append(i.entrypoint, "--insecure-no-auth")...)
	s.healthy(t, c, i)
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
