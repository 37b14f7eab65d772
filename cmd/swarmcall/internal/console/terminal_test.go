package console

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"d-1":               "d-1",
		"größe 日本":          "größe 日本",
		"\x1b[2Jgone":       `\x1b[2Jgone`,
		"a\r\nb\tc":         `a\x0d\x0ab\x09c`,
		"\u009b31m":         `\u009b31m`,
		"abc\u202etxt":      `abc\u202etxt`,
		"bad\xffbyte":       `bad\xffbyte`,
		"\uFFFD is allowed": "\uFFFD is allowed",
	} {
		if got := Safe(in); got != want {
			t.Errorf("Safe(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSafeJSONKeepsItsMeaning(t *testing.T) {
	for _, s := range []string{"plain", "c1 \u009b31m", "bidi \u202e!", "tag \U000E0041", "日本"} {
		doc, err := json.MarshalIndent(map[string]string{"s": s}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		safe := SafeJSON(doc)
		var back map[string]string
		if err := json.Unmarshal(safe, &back); err != nil || back["s"] != s {
			t.Errorf("%q became %q (%v) in %s", s, back["s"], err, safe)
		}
		if strings.ContainsFunc(string(safe), unsafeInJSON) {
			t.Errorf("%s is not safe", safe)
		}
	}
}

func TestColour(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for _, tc := range []struct {
		no, force string
		want      bool
	}{{"", "", false}, {"", "1", true}, {"", "0", false}, {"1", "1", false}} {
		t.Setenv("NO_COLOR", tc.no)
		t.Setenv("CLICOLOR_FORCE", tc.force)
		if got := Colour(file); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
	if IsTTY(file) || IsTTY(nil) || Animated(file) || Width(file) != 80 || Width(nil) != 80 {
		t.Error("a file is no terminal")
	}
}
