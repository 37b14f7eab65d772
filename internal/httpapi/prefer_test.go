package httpapi

import (
	"net/http"
	"testing"
)

func TestPreferences(t *testing.T) {
	for header, want := range map[string]preferences{
		"":                                      {},
		"respond-async":                         {async: true},
		"Respond-Async":                         {async: true},
		"return=minimal":                        {minimal: true},
		"RETURN = minimal":                      {minimal: true},
		`return="minimal"`:                      {minimal: true},
		"return=representation":                 {},
		"return=minimal; foo=bar":               {minimal: true},
		"respond-async, wait=10":                {async: true},
		"respond-async,return=minimal":          {async: true, minimal: true},
		" return=minimal ,, respond-async ":     {async: true, minimal: true},
		"return=representation, return=minimal": {},
		"return=minimal, return=representation": {minimal: true},
		"handling=strict, x-respond-async":      {},
		"minimal, return":                       {},
	} {
		if got := preferencesOf(header); got != want {
			t.Errorf("%q: got %+v, want %+v", header, got, want)
		}
	}
}

func TestPreferIsAppliedAndReported(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		prefer  []string
		status  int
		applied string
		acked   bool
	}{
		{nil, http.StatusCreated, "", true},
		{[]string{"Prefer: return=minimal"}, http.StatusCreated, "return=minimal", false},
		{[]string{"Prefer: respond-async"}, http.StatusAccepted, "respond-async", true},
		{[]string{"Prefer: respond-async", "Prefer: return=minimal"}, http.StatusAccepted,
			"respond-async, return=minimal", false},
		{[]string{"Prefer: handling=lenient"}, http.StatusCreated, "", true},
	} {
		a := w.do(t, "POST", "/commands", stop, c.prefer...)
		if a.StatusCode != c.status || a.Header.Get("Preference-Applied") != c.applied || (a.Acked != nil) != c.acked {
			t.Errorf("%v: got %d, applied %q, acked shown: %v", c.prefer, a.StatusCode,
				a.Header.Get("Preference-Applied"), a.Acked != nil)
		}
		if a.Header.Get("Location") == "" {
			t.Errorf("%v: no Location", c.prefer)
		}
	}
}
