package webhooks

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files again")

func TestParse(t *testing.T) {
	b, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := parse(b)
	if err != nil || len(hooks) != 3 {
		t.Fatalf("%d hooks, %v", len(hooks), err)
	}
	chat, archive, empty := hooks[0], hooks[1], hooks[2]
	if chat.name != "chat" || chat.url.String() != "https://hooks.example.com/swarmcall?channel=load" ||
		chat.endpoint() != "https://hooks.example.com" || len(chat.secrets) != 1 || len(chat.secrets[0]) != 24 ||
		!slices.Equal(chat.events, []string{commandClosed, logReset}) || chat.labels["team"] != "shop" ||
		chat.labels["zone"] != "1" {
		t.Errorf("got %+v", chat)
	}
	if len(archive.secrets) != 2 || len(archive.secrets[1]) != 64 || archive.events != nil || archive.labels != nil {
		t.Errorf("got %+v", archive)
	}
	if empty.events != nil || empty.labels != nil || empty.endpoint() != "https://[2001:db8::1]:8443" {
		t.Errorf("got %+v", empty)
	}
	again, err := parse(b)
	if err != nil || !chat.same(again[0]) || chat.same(again[1]) {
		t.Errorf("a row does not equal itself: %v", err)
	}
}

// TestFiles parses each testdata/*.yaml, and compares all its errors with the golden file beside it.
func TestFiles(t *testing.T) {
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
		if _, err := parse(b); err != nil {
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
		if strings.Contains(strings.ToLower(got), "topsecret") || strings.Contains(got, "MfKQ9r8") {
			t.Errorf("%s: the errors show a secret:\n%s", path, got)
		}
	}
}

func TestSizesAreBounded(t *testing.T) {
	row := "- {name: x, url: https://hooks.example.com, secret: " + oneSecret + "}\n"
	many := "webhooks:\n"
	for i := range maxHooks + 1 {
		many += strings.Replace(row, "x", fmt.Sprint("x", i), 1)
	}
	for name, bad := range map[string]string{
		"bytes": "webhooks:\n" + row + "#" + strings.Repeat("x", maxFileBytes),
		"rows":  many,
		"url":   "webhooks:\n" + strings.Replace(row, ".com", ".com/"+strings.Repeat("x", maxURLBytes), 1),
		"open":  "webhooks: " + strings.Repeat("[", maxFileBytes/2),
	} {
		if hooks, err := parse([]byte(bad)); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%s: %d hooks, %v", name, len(hooks), err)
		}
	}
}

// TestWhatIsNoFile: a directory, a pipe and a file that is missing are errors of the start.
func TestWhatIsNoFile(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "missing"), os.DevNull} {
		_, err := Open(Config{File: path, Dir: t.TempDir(), Log: newLog()})
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		hooks, err := parse(b)
		if err != nil && (strings.Contains(err.Error(), oneSecret) || len(err.Error()) > 100_000) {
			t.Errorf("the error is %v", err)
		}
		for _, h := range hooks {
			if h.name == "" || h.url == nil || len(h.secrets) == 0 || len(h.secrets) > maxSecrets {
				t.Errorf("got %+v", h)
			}
		}
	})
}
