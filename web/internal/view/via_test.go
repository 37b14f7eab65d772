package view_test

import (
	"slices"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/view"
	"github.com/swarmcall/swarmcall/web/internal/viewtest"
)

// TestCommandSaysHowItCameIn also shows nothing for an entry without that.
func TestCommandSaysHowItCameIn(t *testing.T) {
	w := viewtest.World()
	e := w.Recent[0]
	want := view.Figure{Name: "Credential", Value: "token:01234567, from 192.0.2.1:5, request r-1"}
	if got := view.NewCommand(w, e, "http://127.0.0.1").Facts; slices.Contains(got, want) {
		t.Errorf("without a credential: %v", got)
	}
	issued := *e.Issued
	issued.Via = &swarm.Via{Credential: "token:01234567", RemoteAddr: "192.0.2.1:5", RequestID: "r-1"}
	e.Issued = &issued
	if got := view.NewCommand(w, e, "http://127.0.0.1").Facts; !slices.Contains(got, want) {
		t.Errorf("with one: %v", got)
	}
}
