package command

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// members are the JSON names of a struct's fields.
func members(of any) (names []string) {
	for f := range reflect.TypeOf(of).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// TestEveryRowIsComplete: a row with a missing field would cause silent errors wherever it is used.
func TestEveryRowIsComplete(t *testing.T) {
	for _, r := range Table() {
		for name, missing := range map[string]bool{
			"Type": r.Type == "", "Verb": r.Verb == "", "Button": r.Button == "", "One": r.One == "",
			"Many":           r.Many == "",
			"Format":         r.Format == 0,
			"Max":            r.HasValue() != (r.Max > 0),
			"Total":          (r.Total != "") != (r.MaxTotal > 0),
			"members":        r.HasValue() != (r.get != nil && r.set != nil),
			"Name":           r.HasValue() != (r.Name != ""),
			"Label":          r.HasValue() != (r.Label != ""),
			"Figure":         r.HasValue() != (strings.Count(r.Figure, "%s") == 1),
			"words":          r.HasValue() != strings.Contains(r.Many, "%s"),
			"report":         r.HasValue() != (r.report != nil),
			"Drift":          (r.report != nil) != (r.Drift != ""),
			"Slot":           r.Slot < 0 || r.Slot >= Slots,
			"Level":          r.Level && r.Slot != LoadSlot,
			"unknown":        r.Type.row() == &unknown,
			"a newer Format": !r.Original && r.Format < 2,
		} {
			if missing {
				t.Errorf("%s: %s is missing, or does not fit the rest of the row", r.Type, name)
			}
		}
	}
	if types := Types(); len(slices.Compact(slices.Sorted(slices.Values(types)))) != len(types) {
		t.Errorf("a type has two rows: %v", types)
	}
}

// TestEveryMemberHasARow: the fields of the JSON and of a driver's report are exactly those of the table.
func TestEveryMemberHasARow(t *testing.T) {
	fields, state := []string{"type", "note"}, []string{"running"}
	for _, r := range Table() {
		for _, name := range []string{r.Value, r.Total} {
			if name != "" {
				fields = append(fields, name)
			}
		}
		if r.Drift != "" {
			state = append(state, r.Drift)
		}
	}
	for _, c := range []struct{ got, want []string }{{members(Fields{}), fields}, {members(State{}), state}} {
		slices.Sort(c.got)
		slices.Sort(c.want)
		if !slices.Equal(c.got, c.want) {
			t.Errorf("members %v, the table has %v", c.got, c.want)
		}
	}
}

// each runs a test for each row, per driver and in total, with a value other than 0.
func each(t *testing.T, test func(t *testing.T, r Row, c Command)) {
	for _, r := range Table() {
		for _, total := range []bool{false, true} {
			if total && r.Total == "" {
				continue
			}
			c := Command{Type: r.Type, Total: total, Note: "why"}
			if r.HasValue() {
				c.Value = 7
			}
			t.Run(c.String(), func(t *testing.T) { test(t, r, c) })
		}
	}
}

// TestJSONNamesTheMemberOfTheRow: the value is encoded under the name in the row, and decoded from there.
func TestJSONNamesTheMemberOfTheRow(t *testing.T) {
	each(t, func(t *testing.T, r Row, c Command) {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		var back Command
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &back); err != nil || back != c {
			t.Errorf("%s decodes to %+v, %v", b, back, err)
		}
		seven, err := strconv.ParseFloat(r.Number(7), 64)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"type": string(r.Type), "note": "why"}
		switch {
		case c.Total:
			want[r.Total] = seven
		case r.HasValue():
			want[r.Value] = seven
		}
		if !reflect.DeepEqual(doc, want) {
			t.Errorf("%s, want %v", b, want)
		}
		if bad := c.Fields().Check("/command"); bad != nil {
			t.Errorf("%s is refused: %v", b, bad)
		}
	})
}

// TestBounds: 0 and the maximum are valid, and values outside are reported with their field.
func TestBounds(t *testing.T) {
	each(t, func(t *testing.T, r Row, c Command) {
		if !r.HasValue() {
			return
		}
		most, member := r.Max, r.Value
		if c.Total {
			most, member = r.MaxTotal, r.Total
		}
		for v, good := range map[int64]bool{0: true, most: true, -1: false, most + 1: false} {
			c.Value = v
			bad := c.Validate("/command")
			if good != (len(bad) == 0) || !good && bad[0].Pointer != "/command/"+member {
				t.Errorf("%d: %v", v, bad)
			}
		}
	})
}

func TestCheck(t *testing.T) {
	one := new(int64(1))
	for _, c := range []struct {
		fields Fields
		want   []string
	}{
		{Fields{Type: "stop"}, nil},
		{Fields{}, []string{"/command/type"}},
		{Fields{Type: "explode"}, []string{"/command/type"}},
		{Fields{Type: "set_players"}, []string{"/command/players"}},
		{Fields{Type: "set_players", PlayersTotal: one}, nil},
		{Fields{Type: "set_players", Players: one, PlayersTotal: one}, []string{"/command/players_total"}},
		{Fields{Type: "stop", Players: one, PlayersTotal: one}, []string{"/command/players", "/command/players_total"}},
		{Fields{Type: "set_spawn_delay_ms", Players: one}, []string{"/command/players", "/command/spawn_delay_ms"}},
	} {
		var got []string
		for _, bad := range c.fields.Check("/command") {
			got = append(got, bad.Pointer)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.fields, got, c.want)
		}
	}
}

// TestAfterACommandNothingDrifts: a driver that does what a command requires is on target, whatever it did before, and
// off target for the reason of the row if its value differs.
func TestAfterACommandNothingDrifts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := rapid.Custom(func(t *rapid.T) (s State) {
			for i := range table {
				if report := table[i].report; report != nil {
					*report(&s) = rapid.Int64Range(0, 3).Draw(t, table[i].Drift)
				}
			}
			return s
		})
		c := Command{Type: rapid.SampledFrom(Types()).Draw(t, "type")}
		row, _ := c.Type.Row()
		if row.HasValue() {
			c.Value = rapid.Int64Range(0, 3).Draw(t, "value")
		}
		after := state.Draw(t, "before").After(c)
		if reasons := after.Drift(c); reasons != nil {
			t.Fatalf("%+v after %s drifts: %v", after, c, reasons)
		}
		if row.Slot == LoadSlot && (after.Running != c.Load() || after.AtRest() == c.Load()) {
			t.Fatalf("%+v after %s", after, c)
		}
		if row.report != nil {
			*row.report(&after)++
			if reasons := after.Drift(c); !slices.Equal(reasons, []string{row.Drift}) {
				t.Fatalf("%+v and %s: %v", after, c, reasons)
			}
		}
	})
}

// TestSupersedes: within a slot the newer command supersedes the older one, except a Stop, which only a Stop
// supersedes.
func TestSupersedes(t *testing.T) {
	for _, newer := range Table() {
		for _, older := range Table() {
			want := newer.Slot == older.Slot && (older.Type != Stop || newer.Type == Stop)
			if got := (Command{Type: newer.Type}).Supersedes(Command{Type: older.Type}); got != want {
				t.Errorf("%s over %s: %v", newer.Type, older.Type, got)
			}
		}
	}
}

func TestWords(t *testing.T) {
	plain := func(n int64) string { return "#" + strings.Repeat("i", int(n)) }
	for _, c := range []struct {
		command     Command
		text, words string
	}{
		{Command{Type: SetPlayers, Value: 1}, "1 player each", "players set 1"},
		{Command{Type: SetPlayers, Value: 3, Total: true}, "#iii players in all", "players set 3 --total"},
		{Command{Type: SetSpawnDelay, Value: 2}, "spawn delay #ii ms", "spawn-delay set 2ms"},
		{Command{Type: Stop}, "stop", "stop"},
		{Command{Type: "explode"}, "explode", ""},
	} {
		if text, words := c.command.Text(plain), strings.Join(c.command.Words(), " "); text != c.text ||
			words != c.words {
			t.Errorf("%+v: %q and %q", c.command, text, words)
		}
	}
	if got := OneOf(); got != "set_players, set_spawn_delay_ms or stop" {
		t.Error(got)
	}
}

// TestTakes: a driver that lists no capabilities supports the types that existed before drivers listed any.
func TestTakes(t *testing.T) {
	for _, r := range Table() {
		if Takes([]string(nil), r.Type) != r.Original || !Takes([]Type{r.Type}, r.Type) ||
			Takes([]string{"explode"}, r.Type) {
			t.Errorf("%s: %v, %v, %v", r.Type, Takes([]string(nil), r.Type), Takes([]Type{r.Type}, r.Type),
				Takes([]string{"explode"}, r.Type))
		}
	}
}

// TestACommandOfANewerVersion: a command of an unknown type keeps only the name of its type, and has no effect.
func TestACommandOfANewerVersion(t *testing.T) {
	var c Command
	if err := json.Unmarshal([]byte(`{"type":"explode","force":3,"players":4}`), &c); err != nil ||
		c != (Command{Type: "explode"}) {
		t.Errorf("%+v, %v", c, err)
	}
	s := State{Players: 5, Running: true}
	if c.Type.Known() || c.Load() || s.After(c) != s || s.Drift(c) != nil || c.String() != "explode" {
		t.Errorf("%+v after %s", s.After(c), c)
	}
}
