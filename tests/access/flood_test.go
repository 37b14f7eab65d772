package access

import (
	"net/http"
	"strconv"
	"testing"
)

// TestFloods: an address without a valid credential, and a principal that sends too many commands, are told when to come
// back. Neither keeps anybody else out, nor a Stop.
func TestFloods(t *testing.T) {
	w := start(t, map[string]string{"ci": "controller", "root": "admin"}, nil)
	limited := func(send func() reply) (n int, last reply) {
		for range 5000 {
			last = send()
			if n++; last.StatusCode == http.StatusTooManyRequests {
				return n, last
			}
		}
		return 0, last
	}
	for range 1000 { // what needs no credential counts for nothing
		if a := w.do("GET", "/livez", "", ""); a.StatusCode != http.StatusOK {
			t.Fatalf("livez: %d", a.StatusCode)
		}
	}
	n, a := limited(func() reply { return w.do("GET", "/state", "", "") })
	if n < 100 || a.Code != "rate_limited" {
		t.Errorf("without a credential: limited at request %d: %s", n, a.body)
	}
	if a := w.do("GET", "/state", "", "ci"); a.StatusCode != http.StatusOK {
		t.Errorf("a valid credential from the same address: %d", a.StatusCode)
	}
	n, a = limited(func() reply { return w.do("POST", "/commands", `{"command":{"type":"set_players","players":1}}`, "ci") })
	if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); n != 0 && (n < 2000 || err != nil || wait < 1) {
		t.Errorf("commands: limited at %d, Retry-After %q", n, a.Header.Get("Retry-After"))
	}
	if a := w.do("POST", "/commands", stop, "ci"); a.StatusCode == http.StatusTooManyRequests {
		t.Error("a Stop is refused because of a flood of other commands")
	}
	if a := w.do("POST", "/commands", `{"command":{"type":"set_players","players":1}}`, "root"); a.StatusCode ==
		http.StatusTooManyRequests {
		t.Error("a flood of one principal limits another")
	}
}
