//go:build linux

package container

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```")

// documented returns the lines of docs/howto/containers.md that begin with some words, each as the words after these.
func documented(t *testing.T, words string) (lines [][]string) {
	t.Helper()
	for _, block := range shellBlock.FindAllStringSubmatch(read(t, repository+"/docs/howto/containers.md"), -1) {
		whole := strings.ReplaceAll(block[1], "\\\n", "")
		for line := range strings.Lines(whole) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), words+" "); ok {
				lines = append(lines, strings.Fields(rest))
			}
		}
	}
	if len(lines) == 0 {
		t.Fatalf("docs/howto/containers.md has no line %s", words)
	}
	return lines
}

// documentedRun returns what the first `docker run` of the page with a flag starts.
func documentedRun(t *testing.T, i image, flag string) (s service) {
	t.Helper()
	for _, line := range documented(t, "docker run") {
		if slices.Contains(line, flag) {
			return runService(t, i, line)
		}
	}
	t.Fatalf("docs/howto/containers.md has no docker run %s", flag)
	return s
}

// runService reads the arguments of `docker run`. It knows the flags that the page uses.
func runService(t *testing.T, i image, args []string) service {
	t.Helper()
	s := service{User: i.user, Entrypoint: i.entrypoint}
	for ; len(args) > 0 && strings.HasPrefix(args[0], "-"); args = args[1:] {
		switch flag := args[0]; flag {
		case "-d", "--rm":
			continue
		case "--read-only":
			s.ReadOnly = true
			continue
		case "--user":
			s.User = args[1] + ":" + args[1]
		case "--cap-drop":
			s.CapDrop = append(s.CapDrop, args[1])
		case "--entrypoint":
			s.Entrypoint = []string{args[1]}
		case "-v":
			s.Volumes = append(s.Volumes, args[1])
		case "--name", "--security-opt", "-p":
		default:
			t.Fatalf("this test does not know docker run %s", flag)
		}
		args = args[1:]
	}
	s.Image, s.Command = args[0], args[1:]
	return s
}
