// Package script plays golden scenarios: text files with blocks of lines to carry out, each followed by ---- and the
// result. Changes are reviewed as diffs.
package script

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the scenarios come to; review the diff")

// Player carries out the lines of one file.
type Player interface {
	// Do carries out one line, which is neither empty nor a comment.
	Do(line string)
	// Report returns the result of the lines since the last report, each line with its newline.
	Report() string
}

// Files plays each file that matches the pattern, as a subtest named after the file.
func Files(t *testing.T, pattern string, play func(t *testing.T, text string) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Play returns the text with the result of each block. Lines that begin with # are comments.
func Play(p Player, text string) string {
	var out strings.Builder
	inOutput := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "----":
			out.WriteString("----\n" + p.Report())
			inOutput = true
		case line == "":
			out.WriteString("\n")
			inOutput = false
		case inOutput:
		default:
			out.WriteString(line + "\n")
			if !strings.HasPrefix(line, "#") {
				p.Do(line)
			}
		}
	}
	return out.String()
}
