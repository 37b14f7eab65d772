package generators

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest/k6test"
)

// TestK6AnswersAsRecorded replays the requests recorded with k6 1.8.1: the fake has to give the same answers, and with
// `make test-k6` a real k6.
func TestK6AnswersAsRecorded(t *testing.T) {
	recorded := k6test.Recorded()
	for _, name := range slices.Sorted(maps.Keys(recorded)) {
		t.Run(name, func(t *testing.T) {
			load := startTarget(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			player := k6test.Player{K6: k6(t), Scripts: "testdata", Target: load.URL}
			got, err := player.Play(ctx, recorded[name])
			if err != nil {
				t.Fatalf("%v, after\n%s", err, got)
			}
			if update() {
				write(t, filepath.Join("../../internal/swarmtest/k6test/recorded", name+".txt"), got)
				return
			}
			is, want := strings.Split(got, "\n"), strings.Split(recorded[name], "\n")
			for i := range min(len(is), len(want)) {
				if is[i] != want[i] {
					t.Fatalf("line %d is\n%s\nrecorded was\n%s\nin\n%s", i+1, is[i], want[i], got)
				}
			}
			if len(is) != len(want) {
				t.Errorf("%d lines, and %d were recorded:\n%s", len(is), len(want), got)
			}
		})
	}
}

// update reports whether to write the recordings again, which needs a real k6.
func update() bool { return os.Getenv("SWARMCALL_TEST_K6") != "" && os.Getenv("UPDATE") == "1" }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
