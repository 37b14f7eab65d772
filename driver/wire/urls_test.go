package wire

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitURLs(t *testing.T) {
	for list, want := range map[string][]string{
		"http://a:8080":                     {"http://a:8080"},
		"":                                  {""},
		"http://a:8080,http://b:8080":       {"http://a:8080", "http://b:8080"},
		"http://a:8080 ,\thttp://b:8080 ":   {"http://a:8080", "http://b:8080"},
		"https://a/x,https://a/y":           {"https://a/x", "https://a/y"},
		"http://a:1,http://a:2,http://A:3/": {"http://a:1", "http://a:2", "http://A:3/"},
		"http://a,not a url%":               {"http://a", "not a url%"},
	} {
		if got, err := SplitURLs(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", list, got, err, want)
		}
	}
}

// TestBadLists: the error names the value and what to change, without a password.
func TestBadLists(t *testing.T) {
	for list, want := range map[string]string{
		"http://a,,http://b":             `"http://a,,http://b": URL 2 of 3 is empty; remove a comma`,
		"http://a,":                      `"http://a,": URL 2 of 2 is empty; remove a comma`,
		",":                              `",": URL 1 of 2 is empty; remove a comma`,
		"http://a,http://a":              `"http://a,http://a": http://a is listed twice; remove one of them`,
		"http://a, http://A:80/":         `"http://a,http://A:80/": http://A:80/ is listed twice; remove one of them`,
		"https://a/x/,https://a:443/x":   `https://a:443/x is listed twice; remove one of them`,
		"http://u:s3cret@a,http://v:p@a": `http://v:xxxxx@a is listed twice; remove one of them`,
		"http://a,https://b":             `"http://a,https://b": http and https are mixed; use one scheme for all servers`,
		"ws://a,http://b":                `"ws://a,http://b": ws and http are mixed; use one scheme for all servers`,
		"http://u:s3cret@a,http://b,":    `"http://u:xxxxx@a,http://b,": URL 3 of 3 is empty; remove a comma`,
		"http://u:s3cret%@a,,http://b":   `"…,,http://b": URL 2 of 3 is empty; remove a comma`,
	} {
		_, err := SplitURLs(list)
		if err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v; want %s", list, err, want)
		}
	}
}
