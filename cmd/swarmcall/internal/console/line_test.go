package console

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBar(t *testing.T) {
	l := NewLine(&strings.Builder{})
	for _, tc := range []struct {
		acks      Acks
		want, not string // signs in the bar
	}{
		{Acks{Targeted: 3, Acked: 3}, "█", "×·!"},
		{Acks{Targeted: 3, Acked: 2, Missing: 1}, "█×", "!"},
		{Acks{Targeted: 20000, Acked: 19998, Missing: 1, Rejected: 1}, "█×!", "·"},
		{Acks{Targeted: 3}, "·", "█"},
		{Acks{Targeted: 9, Acked: 1, Rejected: 1, Missing: 1, Superseded: 1}, "█×!»·", ""},
		{Acks{}, "", "█×!·"},
	} {
		got := l.Bar("set_players 5", tc.acks)
		bar := got[strings.Index(got, "[")+1 : strings.Index(got, "]")]
		for _, sign := range tc.want {
			if !strings.ContainsRune(bar, sign) {
				t.Errorf("%+v: no %c in %s", tc.acks, sign, got)
			}
		}
		if strings.ContainsAny(bar, tc.not) {
			t.Errorf("%+v: one of %q in %s", tc.acks, tc.not, got)
		}
		if n := utf8.RuneCountInString(bar); n < 5 || n > 30 {
			t.Errorf("%d cells in %s", n, got)
		}
	}
}

func TestWhereLinesStayNothingIsDrawn(t *testing.T) {
	var b strings.Builder
	l := NewLine(&b)
	l.Draw("working")
	l.Say("d-1 \x1b[2J said")
	l.Keep()
	if b.String() != "d-1 \\x1b[2J said\n" {
		t.Errorf("%q", b.String())
	}
}

func TestSayKeepsTheDrawnLineBelow(t *testing.T) {
	var b strings.Builder
	l := &Line{w: &b, animated: true}
	l.Draw("bar")
	l.Draw("bar") // nothing changed
	l.Say("hello")
	l.Keep()
	if want := "\rbar\x1b[K" + "\r\x1b[Khello\nbar" + "\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestPlayers(t *testing.T) {
	l := NewLine(&strings.Builder{})
	if got := l.Players("ramp", 50, 100); !strings.Contains(got, "players 50/100") || !strings.Contains(got, "█") ||
		!strings.Contains(got, "·") {
		t.Error(got)
	}
	if got := l.Players("ramp", 0, 0); !strings.Contains(got, "players 0/0") {
		t.Error(got)
	}
}

// TestLeftOutIsInTheBar: a bar of acks is not full while drivers are left out.
func TestLeftOutIsInTheBar(t *testing.T) {
	got := NewLine(&strings.Builder{}).Bar("x", Acks{Targeted: 3, Acked: 3, LeftOut: 3})
	if !strings.Contains(got, "acked 3/6") || !strings.Contains(got, "left out 3") || !strings.Contains(got, "×") {
		t.Error(got)
	}
}
