package live

import (
	"strings"
	"testing"
)

// A viewer allocates nothing for events that another viewer has received: copies would keep the garbage collector busy.
func TestEventsAreShared(t *testing.T) {
	h := New(Config{Build: "b1", Valid: func(string) bool { return true }, MaxViewers: 2})
	h.running = true
	join := func() *viewer {
		v := &viewer{hub: h}
		if status, why := v.join([]string{"/"}); why != "" {
			t.Fatal(status, why)
		}
		return v
	}
	first, second := join(), join()
	h.apply(map[string]rendered{"/": {parts: []element{{"p", []byte(`"<p>one</p>"`)}}}}, nil)
	a, _, _ := first.next()
	b, _, _ := second.next()
	if !strings.Contains(string(a), "<p>one</p>") || &a[0] != &b[0] {
		t.Errorf("two viewers that lack the same: %q and %q, not the same memory", a, b)
	}
	if allocated := testing.AllocsPerRun(100, func() { second.cursor = 0; second.next() }); allocated != 0 {
		t.Errorf("%v allocations to be sent what is encoded already", allocated)
	}
	h.apply(map[string]rendered{"/": {parts: []element{{"p", []byte(`"<p>two</p>"`)}}}}, nil)
	if b, _, _ = second.next(); !strings.Contains(string(b), "<p>two</p>") {
		t.Errorf("after the next revision: %q", b)
	}
}
