package clierr_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

func TestCodeOf(t *testing.T) {
	refused := errors.New("connection refused")
	unreachable := &clierr.Error{Code: clierr.Unreachable, What: "no server", Cause: refused}
	for name, tc := range map[string]struct {
		err  error
		want clierr.Code
	}{
		"nil":     {nil, clierr.OK},
		"plain":   {refused, clierr.Failed},
		"own":     {unreachable, clierr.Unreachable},
		"wrapped": {fmt.Errorf("health: %w", unreachable), clierr.Unreachable},
	} {
		if got := clierr.CodeOf(tc.err); got != tc.want {
			t.Errorf("%s: code %d, want %d", name, got, tc.want)
		}
	}
	if !errors.Is(unreachable, refused) {
		t.Error("the cause is not in the chain")
	}
}

func TestText(t *testing.T) {
	got := clierr.Text(&clierr.Error{
		What: "the server ended", Cause: errors.New("exit status 1"), Detail: []string{"line 1", "line 2"},
		Hint: "do this\nor that",
	})
	want := `swarmcall: the server ended
  cause  exit status 1
  detail line 1
         line 2
  hint   do this
         or that
`
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	if got := clierr.Text(errors.New("boom")); got != "swarmcall: boom\n" {
		t.Errorf("plain error: %q", got)
	}
}
