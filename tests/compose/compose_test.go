// Package compose tests the cluster of deploy/compose: the compose file as text, its NATS configuration on real
// servers, and its HAProxy configuration on Debian's HAProxy. The images themselves are not pulled.
package compose

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const folder = "../../deploy/compose"

// service is a service of the compose file.
type service struct {
	Image, Build string
	Command      []string
	Environment  map[string]string
	Volumes      []string
	Ports        []string
	Networks     yaml.Node
	ReadOnly     bool     `yaml:"read_only"`
	CapDrop      []string `yaml:"cap_drop"`
}

// file is the compose file.
type file struct {
	Services map[string]service
	Volumes  map[string]any
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{folder}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func cluster(t *testing.T) (f file) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, "cluster.yaml")), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// The three nodes and the three NATS servers.
var (
	nodes   = []string{"node1", "node2", "node3"}
	servers = []string{"n1", "n2", "n3"}
)

func TestServices(t *testing.T) {
	f := cluster(t)
	for _, name := range slices.Concat(nodes, servers, []string{"proxy"}) {
		if _, ok := f.Services[name]; !ok {
			t.Errorf("there is no service %s", name)
		}
	}
	pinned := regexp.MustCompile(`:\d+\.\d+[\w.-]*$`)
	for name, s := range f.Services {
		if s.Build == "" && !pinned.MatchString(s.Image) {
			t.Errorf("%s: the image %s is not pinned", name, s.Image)
		}
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || s.Networks.IsZero() {
			t.Errorf("%s is not hardened: %+v", name, s)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to other machines", name, port)
			}
		}
		mounts(t, f, name, s)
	}
}

// mounts checks that what a service mounts is there.
func mounts(t *testing.T, f file, name string, s service) {
	t.Helper()
	if len(s.Volumes) == 0 {
		t.Errorf("%s mounts nothing", name)
	}
	for _, v := range s.Volumes {
		source, at, _ := strings.Cut(v, ":")
		if strings.HasPrefix(source, ".") {
			read(t, source)
			if !strings.HasSuffix(at, ":ro") {
				t.Errorf("%s can write %s", name, source)
			}
		} else if _, ok := f.Volumes[source]; !ok {
			t.Errorf("%s: there is no volume %s", name, source)
		}
	}
}

// TestEachIsDifferent: what must not be shared is not.
func TestEachIsDifferent(t *testing.T) {
	f := cluster(t)
	seen := map[string]string{}
	unique := func(service, what, value string) {
		if by, again := seen[what+value]; again || value == "" {
			t.Errorf("%s has the %s %q of %q", service, what, value, by)
		}
		seen[what+value] = service
	}
	for _, name := range nodes {
		s := f.Services[name]
		at := slices.Index(s.Command, "--node-name")
		if at < 0 || at+1 == len(s.Command) {
			t.Fatalf("%s has no --node-name: %q", name, s.Command)
		}
		unique(name, "name of a node", s.Command[at+1])
		unique(name, "volume", volumeAt(s, "/data"))
	}
	for _, name := range servers {
		s := f.Services[name]
		unique(name, "name of a server", s.Environment["NATS_NAME"])
		unique(name, "volume", volumeAt(s, "/data"))
	}
}

// volumeAt returns the volume that a service mounts at a path.
func volumeAt(s service, path string) string {
	for _, v := range s.Volumes {
		if source, at, _ := strings.Cut(v, ":"); at == path {
			return source
		}
	}
	return ""
}

// TestTrustedProxy: the nodes believe the proxy, and nobody else, who a client is.
func TestTrustedProxy(t *testing.T) {
	f := cluster(t)
	var at struct {
		Front struct {
			Address string `yaml:"ipv4_address"`
		}
	}
	networks := f.Services["proxy"].Networks
	if err := networks.Decode(&at); err != nil || at.Front.Address == "" {
		t.Fatalf("the proxy has no address of its own: %v", err)
	}
	for _, name := range nodes {
		if trusted := f.Services[name].Environment["SWARMCALL_TRUSTED_PROXIES"]; trusted != at.Front.Address {
			t.Errorf("%s trusts %q, and the proxy is %s", name, trusted, at.Front.Address)
		}
	}
}

// TestImageOfNATS: the nodes embed the same version, which all other tests run.
func TestImageOfNATS(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`github\.com/nats-io/nats-server/v2 v(\S+)`).FindSubmatch(mod)
	f := cluster(t)
	for _, name := range servers {
		if image := f.Services[name].Image; m == nil || !strings.HasPrefix(image, "nats:"+string(m[1])+"-") {
			t.Errorf("%s runs %s, and go.mod requires %s", name, image, m[1])
		}
	}
}

var passwords = map[string]string{
	"NATS_PASSWORD": "123", "NATS_OPERATOR_PASSWORD": "0x1", "NATS_SYS_PASSWORD": "true", "NATS_ROUTE_PASSWORD": "4k",
}

// environment returns the environment of a service, with the passwords replaced.
func environment(t *testing.T, s service) map[string]string {
	t.Helper()
	env := map[string]string{}
	for name, value := range s.Environment {
		env[name] = os.Expand(value, func(variable string) string {
			variable, required := strings.CutSuffix(variable, ":?")
			if passwords[variable] == "" || !required {
				t.Errorf("%s needs the variable %s; required: %v", name, variable, required)
			}
			return passwords[variable]
		})
	}
	return env
}
