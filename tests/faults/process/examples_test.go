package process_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// example is a program of examples/, with its command line.
type example struct {
	name string
	argv []string
}

// examples makes the programs ready to run: in Go, in Python and for Node.
func examples(t *testing.T) []example {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", "examples"))
	if err != nil {
		t.Fatal(err)
	}
	python, absent := pythonWithWebsockets()
	need(t, absent, "Debian's python3-websockets")
	module, absent := nodeExample(dir)
	need(t, absent, "node, with the module ws by npm ci")
	return []example{
		{"go", []string{goExample(t)}},
		{"python", []string{python, filepath.Join(dir, "python", "driver.py")}},
		{"node", []string{"node", module}},
	}
}

// goExample builds the program once.
func goExample(t *testing.T) string {
	t.Helper()
	path, err := buildGoExample()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildGoExample = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaries, "example")
	return path, exec.Command("go", "build", "-o", path, "github.com/swarmcall/swarmcall/examples/go").Run()
})

// pythonWithWebsockets finds, of several on the PATH, the Python that has the library.
func pythonWithWebsockets() (string, error) {
	err := exec.ErrNotFound
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		python := filepath.Join(dir, "python3")
		if err = exec.Command(python, "-c", "import websockets").Run(); err == nil {
			return python, nil
		}
	}
	return "", err
}

// nodeExample installs the program's one module once, beside a copy: Node looks for it there, and the work tree stays
// clean.
func nodeExample(dir string) (string, error) {
	return installNodeExample(dir)
}

var installNodeExample = func() func(string) (string, error) {
	var once sync.Once
	var path string
	var err error
	return func(dir string) (string, error) {
		once.Do(func() { path, err = copyAndInstall(filepath.Join(dir, "node"), filepath.Join(binaries, "node")) })
		return path, err
	}
}()

func copyAndInstall(from, to string) (string, error) {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{"driver.mjs", "package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o600); err != nil {
			return "", err
		}
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = to
	return filepath.Join(to, "driver.mjs"), install.Run()
}

// program is a driver that is a process.
type program struct {
	*proctest.Process

	t    *testing.T
	argv []string
	id   string
	url  string
}

// run starts a program as the driver id at the server at url. It ends with the test at the latest.
func (e example) run(t *testing.T, id, url string) *program {
	t.Helper()
	p := &program{t: t, argv: e.argv, id: id, url: url}
	p.start()
	t.Cleanup(func() { p.Kill() }) // the process that runs then
	return p
}

func (p *program) start() {
	p.t.Helper()
	cmd := exec.CommandContext(context.Background(), p.argv[0], p.argv[1:]...)
	cmd.Env = append(os.Environ(), "SWARMCALL_URL="+p.url, "DRIVER_ID="+p.id)
	started, err := proctest.Start(cmd)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Process = started
}
