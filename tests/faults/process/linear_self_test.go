package process_test

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// TestTheModelRefusesViolations checks the checker itself with correct and with wrong histories.
func TestTheModelRefusesViolations(t *testing.T) {
	wrote := func(from, to int, seq uint64, players int64, key string, replayed bool) op {
		return op{call: at(from), done: at(to), tries: 1, command: command{players: players, key: key},
			answer: answer{replayed: replayed, entry: item(seq, players)}}
	}
	read := func(from, to int, items ...entry) op {
		return op{call: at(from), done: at(to), read: true, items: items}
	}
	lost := op{call: at(3), done: at(4), tries: 1, unknown: true, command: command{players: 9}}
	for name, tc := range map[string]struct {
		ops  []op
		want porcupine.CheckResult
	}{
		"in order": {[]op{wrote(1, 2, 5, 7, "k", false), wrote(3, 4, 5, 7, "k", true),
			read(5, 6, item(5, 7))}, porcupine.Ok},
		"a lost answer": {[]op{wrote(1, 2, 5, 7, "", false), lost, read(5, 6, item(6, 9), item(5, 7))},
			porcupine.Ok},
		"a lost answer, unseen": {[]op{wrote(1, 2, 5, 7, "", false), lost, read(5, 6, item(5, 7))}, porcupine.Ok},
		"a key used twice": {[]op{wrote(1, 2, 5, 7, "k", false), wrote(3, 4, 6, 7, "k", false)},
			porcupine.Illegal},
		"a read without it":     {[]op{wrote(1, 2, 5, 7, "", false), read(3, 4)}, porcupine.Illegal},
		"a read that goes back": {[]op{lost, read(5, 6, item(6, 9)), read(7, 8)}, porcupine.Illegal},
		"a seq that goes back":  {[]op{wrote(1, 2, 5, 7, "", false), wrote(3, 4, 4, 8, "", false)}, porcupine.Illegal},
		"a read of the unsaid": {[]op{wrote(1, 2, 5, 7, "", false), read(3, 4, item(6, 8), item(5, 7))},
			porcupine.Illegal},
	} {
		if got := linearizable(tc.ops, map[int64]entry{7: item(5, 7), 8: item(4, 8), 9: item(6, 9)}); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func at(tick int) time.Duration { return time.Duration(tick) }

func item(seq uint64, players int64) entry {
	e := entry{Seq: seq}
	e.Command.Players = players
	return e
}
