package compat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// missing returns the places of an older document that a newer one does not have, or has with another value. What is
// only in the newer one is no difference: documents grow. Fields of the names in changing may have any value.
func missing(older, newer any, changing ...string) []string {
	return compare("", older, newer, changing)
}

func compare(at string, older, newer any, changing []string) (out []string) {
	switch older := older.(type) {
	case map[string]any:
		object, ok := newer.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %v, was %v", at, newer, older)}
		}
		for name, was := range older {
			is, there := object[name]
			switch {
			case !there:
				out = append(out, at+"/"+name+" is not there")
			case !slices.Contains(changing, name):
				out = append(out, compare(at+"/"+name, was, is, changing)...)
			}
		}
	case []any:
		list, ok := newer.([]any)
		if !ok || len(list) != len(older) {
			return []string{fmt.Sprintf("%s is %v, was %v", at, newer, older)}
		}
		for i := range older {
			out = append(out, compare(fmt.Sprintf("%s/%d", at, i), older[i], list[i], changing)...)
		}
	default:
		if older != newer {
			out = append(out, fmt.Sprintf("%s is %v, was %v", at, newer, older))
		}
	}
	return out
}

// sameLines compares JSON documents line by line. The newer ones may have more fields, and there may be more of them at
// the end.
func sameLines(t *testing.T, what, older, newer string, changing ...string) {
	t.Helper()
	was, is := documents(t, older), documents(t, newer)
	if len(was) == 0 || len(is) < len(was) {
		t.Errorf("%s: %d lines, were %d", what, len(is), len(was))
		return
	}
	for i := range was {
		for _, difference := range missing(was[i], is[i], changing...) {
			t.Errorf("%s, line %d: %s", what, i+1, difference)
		}
	}
}

func documents(t *testing.T, lines string) (all []any) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var v any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, v)
	}
	return all
}

func TestWhatGrowsIsTheSame(t *testing.T) {
	var older any
	if err := json.Unmarshal([]byte(`{"a": 1, "b": [{"c": "x"}, null], "at": 1}`), &older); err != nil {
		t.Fatal(err)
	}
	for newer, want := range map[string]int{
		`{"a": 1, "b": [{"c": "x", "d": 1}, null], "at": 2, "e": 3}`: 0,
		`{"a": 2, "b": [{"c": "x"}, null], "at": 1}`:                 1,
		`{"b": [{"c": "x"}, null], "at": 1}`:                         1,
		`{"a": 1, "b": [{"c": "y"}, null], "at": 1}`:                 1,
		`{"a": 1, "b": [{"c": "x"}], "at": 1}`:                       1,
		`{"a": 1, "b": [null, null], "at": 1}`:                       1,
		`{"a": 1, "b": [{"c": "x"}, null]}`:                          1,
		`[]`:                                                         1,
	} {
		var v any
		if err := json.Unmarshal([]byte(newer), &v); err != nil {
			t.Fatal(err)
		}
		if got := missing(older, v, "at"); len(got) != want {
			t.Errorf("%s: %q, want %d", newer, got, want)
		}
	}
}
