package view

import (
	"encoding/json"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// curl is the request as a line for a shell.
func curl(address, body string) string {
	return "curl -s " + shellWord(address+"/commands") + " -H 'content-type: application/json' \\\n  -d " + quote(body)
}

// Curl repeats the command of e as a line for a shell.
func Curl(address string, i *swarm.Issued) string {
	command := map[string]any{"type": i.Command.Type}
	switch i.Command.Type {
	case swarm.SetPlayers:
		name := "players"
		if i.Command.Total {
			name = "players_total"
		}
		command[name] = i.Command.Players
	case swarm.SetSpawnDelay:
		command["spawn_delay_ms"] = i.Command.SpawnDelayMS
	}
	if i.Command.Note != "" {
		command["note"] = i.Command.Note
	}
	body := map[string]any{"command": command, "deadline_ms": i.Deadline.Milliseconds()}
	target := map[string]any{}
	if len(i.Target.DriverIDs) > 0 {
		target["driver_ids"] = i.Target.DriverIDs
	}
	if len(i.Target.Labels) > 0 {
		target["labels"] = i.Target.Labels
	}
	if len(target) > 0 {
		body["target"] = target
	}
	text, err := json.Marshal(body)
	if err != nil {
		return "" // strings and numbers always encode
	}
	return curl(address, string(text))
}

// shellWord quotes s only where it must be.
func shellWord(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/") == "" {
		return s
	}
	return quote(s)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
