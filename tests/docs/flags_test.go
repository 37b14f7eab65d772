package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	shellBlocks = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```")
	flagForm    = regexp.MustCompile(`(?:^|\s)--([a-z][a-z-]*)`)
)

// TestServerFlagsExist: each flag that a document passes to the server is one that the server has.
func TestServerFlagsExist(t *testing.T) {
	help, err := os.ReadFile(filepath.Join(root, "cmd", "server", "testdata", "help.txt"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range flagForm.FindAllStringSubmatch(string(help), -1) {
		known[m[1]] = true
	}
	seen := 0
	err = filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, line := range serverLines(string(b)) {
			seen++
			for _, m := range flagForm.FindAllStringSubmatch(line, -1) {
				if !known[m[1]] {
					t.Errorf("%s: the server has no flag --%s: %s", path, m[1], line)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 3 {
		t.Errorf("only %d lines start a server", seen)
	}
}

// serverLines returns the lines of shell blocks that start a server.
func serverLines(text string) (lines []string) {
	for _, block := range shellBlocks.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", "")) {
			if strings.HasPrefix(strings.TrimSpace(line), "swarmcall-server ") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return lines
}
