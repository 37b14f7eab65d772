package view

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// curl is the request as a line for a shell.
func curl(address, body string) string {
	return "curl -s " + shellWord(address+"/commands") + " -H 'content-type: application/json' \\\n  -d " + quote(body)
}

// Curl repeats the command of e as a line for a shell.
func Curl(address string, i *swarm.Issued) string {
	body := map[string]any{"command": i.Command.Fields(), "deadline_ms": i.Deadline.Milliseconds()}
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
	return curl(address, escapeTurns(string(text)))
}

// CLI repeats the command of e with swarmcall, as a line for a shell.
func CLI(address string, i *swarm.Issued) string {
	words := i.Command.Words()
	if i.Command.Type == command.Stop {
		words = append(words, "--yes")
	}
	for _, id := range i.Target.DriverIDs {
		words = append(words, flag("driver", id))
	}
	for _, key := range slices.Sorted(maps.Keys(i.Target.Labels)) {
		words = append(words, flag("label", key+"="+i.Target.Labels[key]))
	}
	if i.Command.Note != "" {
		words = append(words, flag("note", i.Command.Note))
	}
	words = append(words, flag("deadline", i.Deadline.String()), flag("url", address))
	return "swarmcall " + strings.Join(words, " ")
}

// flag writes a flag and its value as one word: as a separate word, a value that begins with "-" would be parsed as a
// flag.
func flag(name, value string) string { return "--" + name + "=" + shellWord(value) }

// shellWord quotes s only where it must be.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/") == "" {
		return s
	}
	return quote(s)
}

// quote makes s one word of a shell. Characters that change the text direction are escaped: otherwise the command that
// is displayed would differ from the one that is pasted.
func quote(s string) string {
	if !strings.ContainsFunc(s, turns) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return "$'" + escapeTurns(strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s)) + "'"
}

// turns reports whether r is an invisible character that changes the text direction.
func turns(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

// escapeTurns escapes characters that change the text direction, in the notation of JSON and bash.
func escapeTurns(s string) string {
	var b strings.Builder
	for _, r := range s {
		if turns(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
