package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// stopLine is a stop of the command line, with the words that follow it. A code span may be wrapped.
var stopLine = regexp.MustCompile(`swarmcall\s+stop\b(\s+[\w=-]+)*`)

// TestPipelinesStopTheirOwnLoad: where documents tell teams and pipelines how to stop, the stop has a label. Without a
// label it would also end the load of others.
func TestPipelinesStopTheirOwnLoad(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	_, ci, _ := strings.Cut(read("README.md"), "\n## CI\n")
	ci, _, _ = strings.Cut(ci, "\n## ")
	for where, text := range map[string]string{
		"docs/howto/ci.md": read("docs/howto/ci.md"), "docs/howto/teams.md": read("docs/howto/teams.md"),
		"README.md, CI": ci,
	} {
		stops := stopLine.FindAllString(text, -1)
		if len(stops) == 0 {
			t.Errorf("%s shows no stop", where)
		}
		for _, stop := range stops {
			if words := strings.Fields(stop); len(words) < 4 || words[2] != "--label" {
				t.Errorf("%s: %q stops the load of others too", where, stop)
			}
		}
	}
}
