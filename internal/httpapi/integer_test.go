package httpapi

import (
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"testing/quick"
)

// TestIntegersOfTheSchema: what matches the published "type: integer" is accepted as if it were written in digits, and
// becomes the same command.
func TestIntegersOfTheSchema(t *testing.T) {
	w := newWorld(t, nil)
	const body = `{"command":{"type":"set_players","players":%s},"deadline_ms":%s,"min_drivers":%s}`
	for _, players := range []string{"1000", "1000.0", "1e3", "1E+3", "0.1e4", "100000e-2"} {
		w.entries = nil
		if a := w.do(t, "POST", "/commands", fmt.Sprintf(body, players, "2e3",
			"0e9999999999")); a.StatusCode != http.StatusCreated {
			t.Fatalf("%s: %s", players, a.body)
		}
		if e := w.entries[0].Issued; e.Command.Value != 1000 || e.Deadline.Milliseconds() != 2000 {
			t.Errorf("%s: issued %+v", players, e)
		}
	}
	for _, players := range []string{"5.5", "1e400", "1e1000000000", "1e-1", "-1e3", "1e10", "9007199254740993.0"} {
		a := w.do(t, "POST", "/commands", fmt.Sprintf(body, players, "2000", "0"))
		a.refused(t, http.StatusUnprocessableEntity, "invalid_command")
		if len(a.Errors) != 1 || a.Errors[0].Pointer != "/command/players" || strings.Contains(a.Errors[0].Detail,
			"digits") {
			t.Errorf("%s: %+v", players, a.Errors)
		}
	}
	if n := w.count(); n != 1 {
		t.Errorf("%d commands, want that of the last good body", n)
	}
}

// TestSameVerdictAsArithmetic: a number of players is accepted exactly if it is whole and in range.
func TestSameVerdictAsArithmetic(t *testing.T) {
	w := newWorld(t, nil)
	verdict := func(digits uint32, point uint8, exponent int8) bool {
		number := fmt.Sprint(digits)
		if at := int(point) % len(number); at > 0 {
			number = number[:at] + "." + number[at:]
		}
		number += fmt.Sprintf("e%d", exponent/8)
		value, _ := new(big.Rat).SetString(number)
		good := value.IsInt() && value.Cmp(big.NewRat(1e9, 1)) <= 0
		w.entries = nil
		a := w.do(t, "POST", "/commands", `{"command":{"type":"set_players","players":`+number+`}}`)
		if good {
			return a.StatusCode == http.StatusCreated && w.entries[0].Issued.Command.Value == value.Num().Int64()
		}
		return a.StatusCode == http.StatusUnprocessableEntity && w.count() == 0
	}
	if err := quick.Check(verdict, &quick.Config{MaxCount: 500}); err != nil {
		t.Error(err)
	}
}
