package yamlfile

import (
	"errors"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const must = "rows:, and a list below it"

func TestRoot(t *testing.T) {
	root, err := Root([]byte("rows: [a, b]\nname: '*'\nnone:\n"), must)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	Fields(root, func(name string, _ *yaml.Node) { names = append(names, name) })
	if got := strings.Join(names, " "); got != "rows name none" {
		t.Errorf("fields %s", got)
	}
	if s, ok := Text(Field(root, "name")); s != "*" || !ok {
		t.Errorf("name is %q, %v", s, ok)
	}
	if _, ok := Text(Field(root, "none")); ok || Field(root, "other") != nil {
		t.Error("there is a value that is not there")
	}
	if _, ok := Text(Field(root, "rows")); ok {
		t.Error("a list is a text")
	}
}

func TestWhatIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"- a\n":                         "line 1: the file must begin with " + must,
		"a: 1\na: 2\n":                  `line 2: "a" is given twice, first on line 1; remove one`,
		"a: &x 1\nb: 2\n":               "line 1: anchors (&) and aliases (*) are not allowed; write the value out",
		"a: !!str 1\n":                  "line 1: tags (!) are not allowed; write the plain value",
		"a: 1\n---\nb: 2\n":             "line 2: a second document begins here; remove it: the file is one document",
		"? [a]\n: 1\n":                  "line 1: a field's name must be a word",
		"a: *-eu\n":                     `put words that begin with * or & in quotes, such as "*-eu"`,
		"a: [\n":                        "did not find expected node content",
		"whsec_abc: 1\nwhsec_abc: 2\n":  "line 2: a text of 9 bytes is given twice, first on line 1; remove one",
		"swc_abcdef: 1\nswc_abcdef: 2 ": "line 2: a text of 10 bytes is given twice, first on line 1; remove one",
	} {
		if _, err := Root([]byte(text), must); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{"", "\n", "# nothing\n", "null\n", "~"} {
		if _, err := Root([]byte(text), must); !errors.Is(err, ErrEmpty) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFaultsAreBounded(t *testing.T) {
	var bad Faults
	if bad.Err() != nil {
		t.Errorf("no fault is %v", bad.Err())
	}
	for i := range 1000 {
		bad.Add("line %d", i)
	}
	lines := strings.Split(bad.Err().Error(), "\n")
	if last := lines[len(lines)-1]; len(lines) != mostShown+1 || last != "and 950 more errors" {
		t.Errorf("%d lines, the last is %s", len(lines), last)
	}
}

func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{
		"team": `"team"`, "a\n": `"a\n"`, "x whsec_1": "a text of 9 bytes", "swc_1": "a text of 5 bytes",
		strings.Repeat("x", 65): "a text of 65 bytes",
	} {
		if got := Quoted(word); got != want {
			t.Errorf("%q is shown as %s", word, got)
		}
	}
}
