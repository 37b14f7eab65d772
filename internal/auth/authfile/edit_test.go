package authfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

func newToken(name string) Token {
	return Token{Name: name, Hashes: [][32]byte{hashOf("9")}, Role: swarm.RoleViewer}
}

// changes are applied to `good`, each alone; want has the lines that change, as in a diff.
var changes = map[string]struct {
	edit func([]byte) ([]byte, error)
	want string
}{
	"add": {func(b []byte) ([]byte, error) { return Add(b, newToken("new")) },
		`+  - {name: new, hash: ["sha256:HASH9"], role: viewer}`},
	"add with everything": {func(b []byte) ([]byte, error) {
		t := newToken("null")
		t.Role, t.DriverIDs = swarm.RoleDriver, []string{"*", "a-*"}
		t.Labels = map[string]string{"team": "x: y", "1": `"'`, "null": "null"}
		t.Expires = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
		return Add(b, t)
	}, `+  - {name: "null", hash: ["sha256:HASH9"], role: driver, driver_ids: ["*", "a-*"], labels: {"1": "\"'", ` +
		`"null": "null", team: "x: y"}, expires: 2030-01-02T03:04:05Z}`},
	"second hash": {func(b []byte) ([]byte, error) { return AddHash(b, "ci-nightly", hashOf("9")) },
		`-  - {name: ci-nightly, hash: ["sha256:HASH1"], role: controller, scope: {team: shop}, expires: 2027-01-31T00:00:00Z}
+  - {name: ci-nightly, hash: ["sha256:HASH1", "sha256:HASH9"], role: controller, scope: {team: shop}, expires: 2027-01-31T00:00:00Z}`},
	"first hash of a list": {func(b []byte) ([]byte, error) { return RemoveHash(b, "eu-drivers", "a2a2a2a2") },
		`-      - sha256:HASH2 # old`},
	"second hash of a list": {func(b []byte) ([]byte, error) { return RemoveHash(b, "eu-drivers", "a3a3a3a3") },
		`-      - sha256:HASH3`},
	"a row of one line": {func(b []byte) ([]byte, error) { return Remove(b, "ci-nightly") },
		`-  - {name: ci-nightly, hash: ["sha256:HASH1"], role: controller, scope: {team: shop}, expires: 2027-01-31T00:00:00Z}`},
	"a row of several lines": {func(b []byte) ([]byte, error) { return Remove(b, "eu-drivers") },
		`-  # the drivers in Europe
-  - name: eu-drivers
-    hash:
-      - sha256:HASH2 # old
-      - sha256:HASH3
-    role: driver
-    driver_ids: ["eu-*", '*-eu']
-    labels: {region: eu, team: shop, zone: 1}`},
}

// diff returns the lines that only one text has. The changes here move no line.
func diff(before, after string) string {
	var b strings.Builder
	only := func(mark, x, y string) {
		for line := range strings.SplitSeq(strings.TrimSuffix(x, "\n"), "\n") {
			if !strings.Contains("\n"+y, "\n"+line+"\n") {
				b.WriteString(mark + line + "\n")
			}
		}
	}
	only("-", before, after)
	only("+", after, before)
	return strings.TrimSuffix(b.String(), "\n")
}

func TestEditsChangeOnlyTheirLines(t *testing.T) {
	for name, tc := range changes {
		got, err := tc.edit(filled(good))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := diff(string(filled(good)), string(got)); d != string(filled(tc.want)) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, d, filled(tc.want))
		}
	}
}

// layouts are files with the rows of `good` in other layouts.
var layouts = map[string]string{
	"one line": `tokens: [{name: ci-nightly, hash: ["sha256:HASH1"], role: viewer}, {name: eu-drivers, ` +
		`hash: ["sha256:HASH2", 'sha256:HASH3'], role: driver}]`,
	"no indentation": "tokens:\n- {name: ci-nightly, hash: [sha256:HASH1], role: viewer}\n" +
		"- {name: eu-drivers, hash: [ sha256:HASH2 , sha256:HASH3 ], role: driver} # no line end",
	"over lines": "tokens:\n  -\n    name: ci-nightly\n    hash: [\n      'sha256:HASH1'\n    ]\n    role: viewer\n" +
		"  - {name: eu-drivers, role: driver, hash: [\n sha256:HASH2, # é\n sha256:HASH3]\n }\n\n# the end\n",
	"carriage returns": "# x\r\ntokens:\r\n  - {name: ci-nightly, hash: [\"sha256:HASH1\"], role: viewer}\r\n" +
		"  - name: eu-drivers\r\n    role: driver\r\n    hash:\r\n    - sha256:HASH2\r\n    - sha256:HASH3\r\n",
	"values as names": "tokens:\n  - {role: viewer, name: ci-nightly, hash: [\"sha256:\\x48ASH1\"]}\n" +
		"  - {labels: {hash: tokens, tokens: hash}, name: eu-drivers, hash: [sha256:HASH2, sha256:HASH3],\n" +
		"     role: driver}\n",
}

// TestEditsOfOtherLayouts: whatever the layout, the new text has exactly the rows that it should have.
func TestEditsOfOtherLayouts(t *testing.T) {
	for layout, text := range layouts {
		text := filled(strings.ReplaceAll(text, `\x48ASH1`, `\x61`+strings.Repeat("1a", 31)+"1"))
		if _, err := Parse(text); err != nil {
			t.Fatal(layout, err)
		}
		for name, tc := range changes {
			got, err := tc.edit(text)
			if err != nil {
				t.Errorf("%s, %s: %v", layout, name, err)
			} else if n := bytes.Count(got, []byte("\r\n")); layout == "carriage returns" &&
				bytes.Count(got, []byte("\n")) != n {
				t.Errorf("%s, %s: line ends are mixed: %q", layout, name, got)
			} else if bytes.Contains(text, []byte("# the end")) && !bytes.Contains(got, []byte("# the end")) {
				t.Errorf("%s, %s: the comment is lost:\n%s", layout, name, got)
			}
		}
	}
}

func TestRefusedEdits(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		edit func([]byte) ([]byte, error)
		want string
	}{
		"no such row": {good, func(b []byte) ([]byte, error) { return Remove(b, "x") }, ErrNoRow.Error()},
		"a taken name": {good, func(b []byte) ([]byte, error) { return Add(b, newToken("ci-nightly")) },
			ErrNameTaken.Error()},
		"a third secret": {good, func(b []byte) ([]byte, error) { return AddHash(b, "eu-drivers", hashOf("9")) },
			ErrTwoHashes.Error()},
		"another secret": {good, func(b []byte) ([]byte, error) { return RemoveHash(b, "eu-drivers", "a9a9a9a9") },
			ErrNoHash.Error()},
		"the only secret": {good, func(b []byte) ([]byte, error) { return RemoveHash(b, "ci-nightly", "a1a1a1a1") },
			ErrOnlyHash.Error()},
		"the last row": {`tokens: [{name: a, hash: ["sha256:HASH1"], role: viewer}]`,
			func(b []byte) ([]byte, error) { return Remove(b, "a") }, "nobody could use the server"},
		"a hash in use": {good, func(b []byte) ([]byte, error) { return AddHash(b, "ci-nightly", hashOf("4")) },
			"hash is also that of token ci-nightly"},
		"an open driver": {good, func(b []byte) ([]byte, error) {
			t := newToken("new")
			t.Role = swarm.RoleDriver
			return Add(b, t)
		}, "line 13, token new: labels must set team"},
		"a bad name": {"", func(b []byte) ([]byte, error) { return Add(b, newToken("guard/x")) }, "reserved"},
		"a bad file": {"tokens: x", func(b []byte) ([]byte, error) { return Add(b, newToken("new")) },
			"correct the file first: line 1"},
	} {
		if _, err := tc.edit(filled(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v; want %q", name, err, tc.want)
		}
	}
}

func TestEditFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "auth.yaml")
	add := func(name string, digit string) func([]byte) ([]byte, error) {
		token := newToken(name)
		token.Hashes = [][32]byte{hashOf(digit)}
		return func(b []byte) ([]byte, error) { return Add(b, token) }
	}
	if err := Edit(path, add("a", "1")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a new file: %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.yaml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := Edit(link, add("b", "2")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("a changed file: %v, %v", info.Mode(), err)
	}
	if f, err := Read(path); err != nil || len(f.Tokens) != 2 {
		t.Errorf("%+v, %v", f, err)
	}
	meanwhile := func(b []byte) ([]byte, error) {
		if err := Edit(path, add("c", "3")); err != nil {
			t.Error(err)
		}
		return add("d", "4")(b)
	}
	if err := Edit(path, meanwhile); err == nil || !strings.Contains(err.Error(), "try again") {
		t.Errorf("a change at the same time: %v", err)
	}
	none := func([]byte) ([]byte, error) { return []byte("tokens: []"), nil }
	if err := Edit(path, none); !errors.Is(err, errNobody) {
		t.Errorf("a file that is not valid: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestOneHashWithoutAList: the hash of a row may be a text. A second one makes it a list.
func TestOneHashWithoutAList(t *testing.T) {
	_, first := NewSecret()
	_, second := NewSecret()
	before := []byte("tokens:\n  - {name: ci, hash: \"" + hashText(first) + "\", role: viewer}\n")
	f, err := Parse(before)
	if err != nil || len(f.Tokens) != 1 || f.Tokens[0].Hashes[0] != first {
		t.Fatalf("%v, %v", f, err)
	}
	after, err := AddHash(before, "ci", second)
	if err != nil {
		t.Fatal(err)
	}
	f, err = Parse(after)
	if err != nil || len(f.Tokens[0].Hashes) != 2 || f.Tokens[0].Hashes[0] != first || f.Tokens[0].Hashes[1] != second {
		t.Errorf("%v, %v in %s", f, err, after)
	}
}
