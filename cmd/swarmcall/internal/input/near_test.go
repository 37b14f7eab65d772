package input

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"list", "show", "watch", "export", "min-drivers", "label"}
	for word, want := range map[string]string{
		"lst": "list", "shwo": "show", "wacth": "watch", "minimum-drivers": "min-drivers", "labels": "label", "x": "",
		"": "", "zzzz": "", "list": "list",
		"Ü": "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for pair, want := range map[[2]string]int{
		{"", ""}: 0, {"a", ""}: 1, {"", "ab"}: 2, {"form", "from"}: 1, {"drfit", "drift"}: 1, {"kitten", "sitting"}: 3,
		{"ü", "u"}: 1,
	} {
		if got := distance(pair[0], pair[1]); got != want {
			t.Errorf("%q: %d, want %d", pair, got, want)
		}
	}
}
