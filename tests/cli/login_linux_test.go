package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// showsKeys reports whether the terminal shows what is typed.
func (s *screen) showsKeys() bool {
	s.t.Helper()
	state, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// TestLoginOnATerminal: the token that is typed is not shown, and after Ctrl-C the terminal shows again what is typed.
func TestLoginOnATerminal(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"name": "eve", "role": "viewer", "scope": {}, "expires_at": null}`)
	}))
	defer s.Close()
	x := onTerminal(t, s.URL, "login")
	x.shows("token for " + s.URL + " (not shown):")
	if x.showsKeys() {
		t.Error("the terminal shows what is typed")
	}
	x.types("swc_typed\r")
	x.shows("signed in to "+s.URL, "as eve, role viewer")
	x.code(0)
	if raw := x.raw.String(); strings.Contains(raw, "swc_typed") {
		t.Errorf("the terminal shows the token:\n%s", raw)
	}

	x = onTerminal(t, s.URL, "login")
	x.shows("token for")
	if x.showsKeys() {
		t.Error("the terminal shows what is typed")
	}
	x.types("swc_ty\x03")
	x.shows("interrupted; nothing was stored")
	x.code(130)
	if !x.showsKeys() {
		t.Error("the terminal does not show what is typed")
	}
	if raw := x.raw.String(); strings.Contains(raw, "swc_ty") {
		t.Errorf("the terminal shows the token:\n%s", raw)
	}
}
