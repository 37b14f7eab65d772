package wire

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestCloseTable(t *testing.T) {
	want := map[CloseCode]Action{
		1000: Stop, 1001: Reconnect, 1002: Stop, 1003: Stop, 1005: Reconnect, 1006: Reconnect, 1007: Stop, 1009: Stop,
		1011: BackOff, 1012: BackOff, 1013: BackOff,
		4001: Stop, 4002: Stop, 4003: Stop, 4004: Reconnect, 4005: Stop, 4008: BackOff,
	}
	texts := map[string]CloseCode{}
	for code, action := range want {
		if got := code.Action(); got != action {
			t.Errorf("%d: action %d, want %d", code, got, action)
		}
		if _, ok := closeActions[code]; !ok {
			t.Errorf("%d is not in the table", code)
		}
		if other, twice := texts[code.Text()]; twice {
			t.Errorf("%d and %d share the text %q", code, other, code.Text())
		}
		texts[code.Text()] = code
	}
	for code := range closeActions {
		if _, ok := want[code]; !ok {
			t.Errorf("%d is in the table, but not in this test", code)
		}
	}
}

func TestUnknownCloseCodes(t *testing.T) {
	for code, want := range map[CloseCode]Action{
		-1: BackOff, 0: BackOff, 1004: BackOff, 1008: BackOff, 1010: BackOff, 1014: BackOff, 3000: BackOff,
		3999: BackOff,
		4000: Stop, 4006: Stop, 4999: Stop,
	} {
		if got := code.Action(); got != want {
			t.Errorf("%d: action %d, want %d", code, got, want)
		}
		if code.Text() != "unknown close code" {
			t.Errorf("%d has the text %q", code, code.Text())
		}
	}
}

// TestCloseTableIsInTheProtocol compares the table of docs/protocol.md with this one: same codes, texts and actions, in
// order.
func TestCloseTableIsInTheProtocol(t *testing.T) {
	doc, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	does := map[Action]string{Stop: "stops", Reconnect: "reconnects", BackOff: "backs off"}
	_, section, _ := strings.Cut(string(doc), "\n## Close codes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows, last := 0, CloseCode(0)
	for line := range strings.Lines(section) {
		var code CloseCode
		if n, _ := fmt.Sscanf(line, "| %d |", &code); n == 0 {
			continue
		}
		rows++
		if want := fmt.Sprintf("| %d | %s | %s |\n", code, code.Text(), does[code.Action()]); line != want {
			t.Errorf("the table says\n%swant\n%s", line, want)
		}
		if code <= last {
			t.Errorf("%d comes after %d", code, last)
		}
		last = code
	}
	if rows != len(closeActions) {
		t.Errorf("the table has %d rows, want %d", rows, len(closeActions))
	}
}
