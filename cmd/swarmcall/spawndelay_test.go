package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/command"
)

// TestSpawnDelayIsPerDriver wherever it is offered: else a reader may expect a rate of the whole swarm.
func TestSpawnDelayIsPerDriver(t *testing.T) {
	row, _ := command.SetSpawnDelay.Row()
	perDriver(t, "the label of the dashboard's form", row.Label)
	var help strings.Builder
	if _, err := parse([]string{"spawn-delay", "set", "--help"}, &help); err != nil {
		t.Fatal(err)
	}
	perDriver(t, "swarmcall spawn-delay set --help", help.String())
	for file, place := range map[string]string{
		"verbs.go":                           `"spawn-delay",.*`,
		"help/plans.txt":                     `spawn_delay:.*`,
		"../../api/openapi.yaml":             `SetSpawnDelayCommand:\n.*\n.*`,
		"../../command/state.go":             `SpawnDelayMS .*`,
		"../../driver/command.go":            `(SetSpawnDelay += |SpawnDelayMS int64).*`,
		"../../driver/wire/schema/defs.json": `(?s)"spawn_delay_ms": \{.*?\}`,
		"../../docs/protocol.md":             `(?s)There are three commands.*?\n\n`,
		"../../docs/http.md":                 `set_spawn_delay_ms\n.*`,
		"../../docs/howto/ci.md":             `spawn_delay:.*`,
		"../../docs/howto/drive-exec.md":     "`players`, `spawn_delay_ms`.*",
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(place).FindAllString(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s has no %s", file, place)
		}
		for _, offer := range found {
			perDriver(t, file, offer)
		}
	}
}

func perDriver(t *testing.T, where, offer string) {
	t.Helper()
	if !strings.Contains(strings.Join(strings.Fields(offer), " "), "per driver") {
		t.Errorf("%s does not say that the spawn delay is per driver:\n%s", where, offer)
	}
}
