package console

import (
	"encoding/json"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var two = Rows{
	Columns: []Column{{Name: "DRIVER"}, {Name: "STATE"}, {Name: "ADDRESS", Wide: true}},
	Cells:   [][]string{{"d-1", "active", "10.0.0.1"}, {"d-\x1b[31m2", "", "10.0.0.2"}},
	Names:   []string{"d-1", "d-\x1b[31m2"},
	Items: []json.RawMessage{
		[]byte(`{"driver_id": "d-1", "v": "1.10"}`),
		[]byte(`{"driver_id": "d-2", "v": "\u001b[2J"}`),
	},
}

func TestPrint(t *testing.T) {
	for format, want := range map[string]string{
		Auto:  "d-1\tactive\nd-\\x1b[31m2\t-\n",
		Table: "DRIVER         STATE\nd-1            active\nd-\\x1b[31m2    -\n",
		Wide:  "DRIVER         STATE   ADDRESS\nd-1            active  10.0.0.1\nd-\\x1b[31m2    -       10.0.0.2\n",
		Name:  "d-1\nd-\\x1b[31m2\n",
		JSONL: "{\"driver_id\":\"d-1\",\"v\":\"1.10\"}\n{\"driver_id\":\"d-2\",\"v\":\"\\u001b[2J\"}\n",
		JSON: "[\n  {\n    \"driver_id\": \"d-1\",\n    \"v\": \"1.10\"\n  },\n  {\n    \"driver_id\": \"d-2\",\n" +
			"    \"v\": \"\\u001b[2J\"\n  }\n]\n",
		YAML: "- driver_id: d-1\n  v: \"1.10\"\n- driver_id: d-2\n  v: \"\\e[2J\"\n",
	} {
		var b strings.Builder
		if err := Print(&b, format, two); err != nil {
			t.Fatal(err)
		}
		if format == Table || format == Wide {
			want = strings.ReplaceAll(want, "    -", "  -") // the escape is wider than the character
			if strings.Join(strings.Fields(b.String()), " ") != strings.Join(strings.Fields(want), " ") {
				t.Errorf("%s:\n%s\nwant\n%s", format, b.String(), want)
			}
			continue
		}
		if b.String() != want {
			t.Errorf("%s:\n%s\nwant\n%s", format, b.String(), want)
		}
	}
}

func TestNothingToPrint(t *testing.T) {
	for format, want := range map[string]string{Auto: "", JSON: "[]\n", JSONL: "", Name: "", YAML: "[]\n",
		Table: "A\n"} {
		var b strings.Builder
		if err := Print(&b, format, Rows{Columns: []Column{{Name: "A"}}}); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v", format, b.String(), err)
		}
	}
}

// TestYAMLMeansTheSame checks that a string that looks like a number or a date stays a string.
func TestYAMLMeansTheSame(t *testing.T) {
	doc := `{"a": "1", "b": 1, "c": "true", "d": "2026-11-24T12:00:00.000Z", "e": null, "f": "", "g": "x: y", "h": 9007199254740993, "i": "no", "j": "~",
		"k": "\u202egpj\u200b` + "\U000e0041" + `: \u001b[31m"}`
	var b strings.Builder
	if err := Document(&b, YAML, []byte(doc)); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := yaml.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"a": "1", "b": 1, "c": "true", "d": "2026-11-24T12:00:00.000Z", "e": nil, "f": "", "g": "x: y",
		"h": 9007199254740993, "i": "no", "j": "~", "k": "\u202egpj\u200b\U000e0041: \x1b[31m",
	}
	if strings.ContainsFunc(b.String(), unsafeInJSON) {
		t.Errorf("a terminal would interpret %q", b.String())
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v (%T), want %v\n%s", k, got[k], got[k], v, b.String())
		}
	}
}
