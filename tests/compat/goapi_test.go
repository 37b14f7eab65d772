package compat

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// public are the packages that programs outside this module import.
var public = []string{"api", "api/client", "driver", "driver/conformance", "driver/drivertest", "driver/wire"}

// TestGoAPIOnlyGrows compares the public packages with those of the last release. The differences are exactly what
// testdata/goapi.txt accepts: types that have moved to another package and left an alias, so that programs that use
// them still compile, and interfaces that are generated from the contract, which get a method for each new route.
func TestGoAPIOnlyGrows(t *testing.T) {
	oldRelease(t) // unpacks its tree
	tool := filepath.Join(scratch, "apidiff")
	run(t, root, "go", "build", "-modfile=tools/go.mod", "-o", tool, "golang.org/x/exp/cmd/apidiff")
	var got []string
	for _, pkg := range public {
		path := "github.com/swarmcall/swarmcall/" + pkg
		exported := filepath.Join(scratch, strings.ReplaceAll(pkg, "/", "-"))
		run(t, filepath.Join(scratch, "old-tree"), tool, "-w", exported, path)
		for line := range strings.Lines(run(t, root, tool, "-incompatible", exported, path)) {
			got = append(got, pkg+strings.TrimRight(strings.TrimPrefix(line, "-"), "\n"))
		}
	}
	b, err := os.ReadFile("testdata/goapi.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(b)), "\n")
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("a program that uses the last release may not compile: %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("testdata/goapi.txt accepts what does not differ any more: %s", line)
		}
	}
}

// run runs a program and returns what it prints on stdout.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	var errs strings.Builder
	c := exec.CommandContext(t.Context(), program, args...)
	c.Dir, c.Stderr = dir, &errs
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}
