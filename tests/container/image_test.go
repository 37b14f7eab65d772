//go:build linux

package container

import (
	"debug/elf"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

const repository = "../.."

// TestMakeBuildsStaticBinaries: nothing is loaded at run time, even with a C compiler and CGO_ENABLED=1.
func TestMakeBuildsStaticBinaries(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		testenv.SkipOrFail(t, "%v; get it: apt-get install make", err)
	}
	bin := t.TempDir()
	build := exec.Command("make", "--no-print-directory", "-C", repository, "build", "BIN="+bin)
	build.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") })
	build.Env = append(build.Env, "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"swarmcall-server", "swarmcall"} {
		isStatic(t, filepath.Join(bin, name))
	}
}

func isStatic(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("%s needs a dynamic linker", path)
		}
	}
}

// image is what the Dockerfile makes.
type image struct {
	stage       string // directory with the file system of the stage that builds
	copies      []copied
	root        string // directory with the file system
	entrypoint  []string
	healthcheck []string
	user        string
	volume      string
}

// copied is a COPY from the stage that builds.
type copied struct {
	from     []string
	to       string
	uid, gid int
}

// buildImage follows the Dockerfile.
func buildImage(t *testing.T) image {
	t.Helper()
	text := read(t, filepath.Join(repository, "Dockerfile"))
	i := image{stage: t.TempDir(), user: instruction(t, text, "USER"), volume: instruction(t, text, "VOLUME")}
	_, check, _ := strings.Cut(instruction(t, text, "HEALTHCHECK"), "CMD ")
	i.entrypoint, i.healthcheck = list(t, instruction(t, text, "ENTRYPOINT")), list(t, check)
	i.build(t, text)
	_, last, _ := strings.Cut(text, "FROM scratch\n")
	for _, m := range regexp.MustCompile(`(?m)^COPY --from=build (?:--chown=(\d+):(\d+) )?(.*) (\S+)$`).
		FindAllStringSubmatch(last, -1) {
		c := copied{from: strings.Fields(m[3]), to: m[4]}
		c.uid, _ = strconv.Atoi(m[1]) // without a --chown: root
		c.gid, _ = strconv.Atoi(m[2])
		i.copies = append(i.copies, c)
	}
	if n := strings.Count(last, "\nCOPY "); n != len(i.copies) {
		t.Fatalf("this test knows %d of %d COPY instructions", len(i.copies), n)
	}
	return i.derive(t)
}

// build runs the script of the Dockerfile that builds, in what .dockerignore lets through. The CA certificates of this
// stage are those of the tests.
func (i image) build(t *testing.T, text string) {
	t.Helper()
	script := ""
	for _, m := range regexp.MustCompile(`(?m)^RUN ((?:.*\\\n)*.*)$`).FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "go build") {
			script = m[1]
		}
	}
	script = regexp.MustCompile(`--mount=\S+`).ReplaceAllString(strings.ReplaceAll(script, "\\\n", " "), "")
	if !strings.Contains(script, "/out") {
		t.Fatalf("the Dockerfile does not build to /out: %q", script)
	}
	build := exec.Command("sh", "-c", strings.ReplaceAll(script, "/out", filepath.Join(i.stage, "out")))
	build.Dir = buildContext(t)
	build.Env = append(os.Environ(), instruction(t, text, "ENV"), "VERSION=test", "TARGETOS=linux",
		"TARGETARCH="+runtime.GOARCH, "GOFLAGS=-mod=readonly", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the image does not build from what .dockerignore lets through: %v\n%s", err, out)
	}
	certificates := filepath.Join(i.stage, "etc/ssl/certs/ca-certificates.crt")
	if err := os.MkdirAll(filepath.Dir(certificates), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, certificates, ca())
}

// derive returns the image with a root of its own, to add to it.
func (i image) derive(t *testing.T) image {
	t.Helper()
	i.root = t.TempDir()
	if err := os.Chmod(i.root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range i.copies {
		for _, from := range c.from {
			if err := i.copy(from, c); err != nil {
				t.Fatalf("COPY %s %s: %v", from, c.to, err)
			}
		}
	}
	return i
}

// copy follows a COPY instruction for one of its sources.
func (i image) copy(from string, c copied) error {
	to := filepath.Join(i.root, c.to)
	if strings.HasSuffix(c.to, "/") {
		to = filepath.Join(to, filepath.Base(from))
	}
	from = filepath.Join(i.stage, from)
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if info.IsDir() {
		err = os.CopyFS(to, os.DirFS(from))
	} else {
		err = os.Link(from, to)
	}
	if err != nil {
		return err
	}
	return os.Chown(to, c.uid, c.gid)
}

// instruction returns the arguments of an instruction of the last stage.
func instruction(t *testing.T, dockerfile, name string) string {
	t.Helper()
	all := regexp.MustCompile(`(?m)^`+name+` (.*)$`).FindAllStringSubmatch(dockerfile, -1)
	if len(all) == 0 {
		t.Fatalf("the Dockerfile has no %s", name)
	}
	return all[len(all)-1][1]
}

func list(t *testing.T, text string) (all []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// buildContext copies what .dockerignore lets through. It supports only the patterns that the file uses: "*" first,
// names of the first level with "!", and patterns for base names below "**/".
func buildContext(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var names, not []string
	for line := range strings.Lines(read(t, filepath.Join(repository, ".dockerignore"))) {
		switch line = strings.TrimSpace(line); {
		case line == "" || line == "*" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "!"):
			names = append(names, line[1:])
		case strings.HasPrefix(line, "**/"):
			not = append(not, line[3:])
		default:
			t.Fatalf("this test does not know the pattern %q", line)
		}
	}
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(repository, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			out := slices.ContainsFunc(not, func(pattern string) bool {
				is, _ := filepath.Match(pattern, d.Name())
				return is
			})
			if d.IsDir() {
				if out {
					return filepath.SkipDir
				}
				return nil
			}
			if out {
				return nil
			}
			to := filepath.Join(dir, strings.TrimPrefix(path, repository))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(to, text, 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// service is a service of the compose file.
type service struct {
	Image, User         string
	Entrypoint, Command []string
	Volumes             []string
	ReadOnly            bool     `yaml:"read_only"`
	CapDrop             []string `yaml:"cap_drop"`
	Deploy              struct{ Replicas int }
}

func services(t *testing.T) map[string]service {
	t.Helper()
	var file struct{ Services map[string]service }
	text := read(t, filepath.Join(repository, "deploy/compose/compose.yaml"))
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	return file.Services
}
