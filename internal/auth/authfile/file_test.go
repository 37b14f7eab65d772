package authfile

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

var update = flag.Bool("update", false, "write the golden files again")

const good = `# who may use the server
tokens:
  - {name: ci-nightly, hash: ["sha256:HASH1"], role: controller, scope: {team: shop}, expires: 2027-01-31T00:00:00Z}
  # the drivers in Europe
  - name: eu-drivers
    hash:
      - sha256:HASH2 # old
      - sha256:HASH3
    role: driver
    driver_ids: ["eu-*", '*-eu']
    labels: {region: eu, team: shop, zone: 1}
  - {name: ops@example.com, hash: ["sha256:HASH4"], role: admin}
`

// filled replaces HASH and a digit by 64 hex digits.
func filled(s string) []byte {
	for _, digit := range "0123456789" {
		s = strings.ReplaceAll(s, "HASH"+string(digit), strings.Repeat("a"+string(digit), 32))
	}
	return []byte(s)
}

func hashOf(digit string) [32]byte {
	hash, ok := parseHash("sha256:" + strings.Repeat("a"+digit, 32))
	if !ok {
		panic("no hash")
	}
	return hash
}

func TestParse(t *testing.T) {
	f, err := Parse(filled(good))
	if err != nil {
		t.Fatal(err)
	}
	want := []Token{
		{Name: "ci-nightly", Hashes: [][32]byte{hashOf("1")}, Role: swarm.RoleController,
			Scope: map[string]string{"team": "shop"}, Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)},
		{Name: "eu-drivers", Hashes: [][32]byte{hashOf("2"), hashOf("3")}, Role: swarm.RoleDriver,
			DriverIDs: []string{"eu-*", "*-eu"},
			Labels:    map[string]string{"region": "eu", "team": "shop", "zone": "1"}},
		{Name: "ops@example.com", Hashes: [][32]byte{hashOf("4")}, Role: swarm.RoleAdmin},
	}
	if !reflect.DeepEqual(f.Tokens, want) {
		t.Errorf("got %+v\nwant %+v", f.Tokens, want)
	}
	p := want[1].Principal(want[1].Hashes[1])
	if p.Credential != "token:a3a3a3a3" || p.Name != "eu-drivers" || p.MayRegister("eu-1", want[1].Labels) != "" ||
		p.MayRegister("us-1", want[1].Labels) == "" {
		t.Errorf("the principal is %+v", p)
	}
}

// TestBadFiles parses each testdata/*.yaml, and compares all its errors with the golden file beside it.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got := "valid\n"
		if _, err := Parse(filled(string(b))); err != nil {
			got = err.Error() + "\n"
		}
		golden := strings.TrimSuffix(path, ".yaml") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(golden); err != nil || string(want) != got {
			t.Errorf("%s: %v; got\n%s\nwant\n%s", path, err, got, want)
		}
		if strings.Contains(got, "Ab12Cd34") || strings.Contains(got, "a1a1a1a1") {
			t.Errorf("%s: the errors show a secret or a hash:\n%s", path, got)
		}
	}
}

func TestSizesAreBounded(t *testing.T) {
	row := `{name: x, hash: ["sha256:HASH1"], role: admin}`
	for name, bad := range map[string]string{
		"bytes":  "tokens: [" + row + "]\n#" + strings.Repeat("x", MaxBytes),
		"rows":   "tokens:\n" + strings.Repeat("- {}\n", MaxTokens+1),
		"errors": "tokens:\n" + strings.Repeat("- {}\n", MaxTokens),
		"open":   "tokens: " + strings.Repeat("[", MaxBytes/2),
		"dashes": strings.Repeat("- ", MaxBytes/2),
		"keys":   strings.Repeat("? ", MaxBytes/2),
		"bomb": "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b]\n" +
			"tokens: [*c, *c, *c]\n",
		"scopes": "tokens:\n- {name: d, hash: ['sha256:HASH2'], role: driver}\n" +
			"- {name: s, hash: ['sha256:HASH3'], role: viewer, scope: {" + strings.Repeat("k: v, ", 1000) + "}}\n",
	} {
		f, err := Parse(filled(bad))
		if err == nil {
			t.Errorf("%s: %d rows are accepted", name, len(f.Tokens))
		} else if n := len(err.Error()); n > 20_000 {
			t.Errorf("%s: the error has %d bytes", name, n)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestSecrets(t *testing.T) {
	secret, hash := NewSecret()
	other, _ := NewSecret()
	if !strings.HasPrefix(secret, "swc_") || len(secret) != len("swc_")+43 || secret == other || Hash(secret) != hash {
		t.Errorf("%q, %q, %x", secret, other, hash)
	}
	// printf swc_test | sha256sum
	const want = "sha256:19d91915a232e9bbb0ff034aa9f24b1f06b284896006347d349e4fb5852cd443"
	if got := hashText(Hash("swc_test")); got != want || Fingerprint(Hash("swc_test")) != want[7:15] {
		t.Errorf("the hash is %s", got)
	}
}

func TestWarnings(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	f := &File{Tokens: []Token{
		{Name: "boss", Role: swarm.RoleAdmin},
		{Name: "old", Role: swarm.RoleStopper, Expires: now},
		{Name: "ending", Role: swarm.RoleAdmin, Expires: now.Add(soon)},
		{Name: "later", Role: swarm.RoleAdmin, Expires: now.Add(soon + 1)},
		{Name: "reader", Role: swarm.RoleViewer, Scope: map[string]string{"a": "b"}},
		{Name: "fine", Role: swarm.RoleController},
	}}
	want := []string{
		"token boss: an admin without expires; add a time when it ends",
		"token old: expired at 2026-12-01T00:00:00Z; remove it: swarmcall token revoke old",
		"token ending: expires within 7 days, at 2026-12-08T00:00:00Z",
		"token reader: scope has no effect for a viewer, because reading has no scope",
	}
	if got := f.Warnings(now); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

// FuzzParse looks for panics, and for files that are valid by one reading and not by the other.
func FuzzParse(f *testing.F) {
	f.Add(filled(good))
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(filled(string(b)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse(b)
		if (file == nil) == (err == nil) {
			t.Fatalf("%v, %v", file, err)
		}
		if err != nil {
			return
		}
		for _, token := range file.Tokens {
			if NameFault(token.Name) != "" || len(token.Hashes) == 0 || token.Role == "" {
				t.Errorf("%+v is valid", token)
			}
		}
	})
}
