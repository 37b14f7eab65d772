package conformance

import (
	"fmt"
	"os"
	"regexp"
	"testing"
)

// TestDutiesAreThoseOfTheProtocol compares the numbers and titles with docs/protocol.md.
func TestDutiesAreThoseOfTheProtocol(t *testing.T) {
	doc, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\*\*(D\d+\. .+?)\.\*\*`).FindAllSubmatch(doc, -1)
	if len(found) != int(lastDuty) {
		t.Errorf("the protocol has %d duties, the kit %d", len(found), lastDuty)
	}
	for i, f := range found {
		d := Duty(i + 1)
		if want := fmt.Sprintf("D%d. %s", d, d.Title()); d <= lastDuty && string(f[1]) != want {
			t.Errorf("the protocol has %s, the kit %s", f[1], want)
		}
	}
}
