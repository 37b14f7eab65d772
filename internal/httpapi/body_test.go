package httpapi

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// TestWrongBodies: what is no JSON is 400, what is no command is 422 and says where. Nothing becomes a command.
func TestWrongBodies(t *testing.T) {
	w := newWorld(t, nil)
	set := func(members string) string { return `{"command":{"type":"set_players"` + members + `}}` }
	for _, c := range []struct {
		body    string
		status  int
		pointer string
	}{
		{" ", 400, ""}, {"{", 400, ""}, {"nope", 400, ""}, {stop + "{}", 400, ""}, {stop + ",", 400, ""}, {"\xef\xbb\xbf" + stop, 400, ""},
		{"{\x00\"\x00}\x00", 400, ""}, {`{"submitter":"` + "\xff" + `"}`, 400, ""}, {`{"submitter":"\ud800","command":{"type":"stop"}}`, 400, ""},
		{`{"command":{"type":"stop"},"command":{"type":"stop"}}`, 400, "/command"}, {set(`,"players":1,"players":1`), 400, "/command/players"},
		{`{"command":{"type":"stop"},}`, 400, ""}, {`{'command':1}`, 400, ""}, {set(`,"players":01`), 400, ""}, {set(`,"players":NaN`), 400, ""},
		{strings.Repeat("[", 60000), 422, ""}, {set(`,"players":` + strings.Repeat("[", 60000)), 400, ""},
		{`{"submitter":` + strings.Repeat(`{"a":`, 12000), 400, ""},

		{"null", 422, "/command"}, {"7", 422, ""}, {`"stop"`, 422, ""}, {"[]", 422, ""}, {"{}", 422, "/command"}, {`{"command":null}`, 422, "/command"},
		{`{"command":"stop"}`, 422, "/command"}, {`{"command":{}}`, 422, "/command/type"}, {`{"command":{"type":null}}`, 422, "/command/type"},
		{`{"command":{"type":"Stop"}}`, 422, "/command/type"}, {`{"command":{"Type":"stop"}}`, 422, "/command/Type"}, {`{"Command":{"type":"stop"}}`, 422, "/Command"},
		{`{"command":{"type":"stop"},"playerz":1}`, 422, "/playerz"}, {`{"command":{"type":"stop","players":1}}`, 422, "/command/players"},
		{set(""), 422, "/command/players"}, {set(`,"players":null`), 422, "/command/players"}, {set(`,"players":"1"`), 422, "/command/players"},
		{set(`,"players":-1`), 422, "/command/players"}, {set(`,"players":1.5`), 422, "/command/players"}, {set(`,"players":1e400`), 422, "/command/players"},
		{set(`,"players":1e-400`), 422, "/command/players"}, {set(`,"players":9007199254740993`), 422, "/command/players"},
		{set(`,"players":99999999999999999999`), 422, "/command/players"}, {set(`,"players":1000000001`), 422, "/command/players"},
		{set(`,"players":1,"note":"` + strings.Repeat("é", 129) + `"`), 422, "/command/note"}, {set(`,"players":1,"note":"a\u0000b"`), 422, "/command/note"},
		{set(`,"players":1,"note":null`), 422, "/command/note"},
		{`{"command":{"type":"set_spawn_delay_ms","spawn_delay_ms":86400001}}`, 422, "/command/spawn_delay_ms"},
		{`{"submitter":"a b","command":{"type":"stop"}}`, 422, "/submitter"}, {`{"submitter":"","command":{"type":"stop"}}`, 422, "/submitter"},
		{`{"submitter":null,"command":{"type":"stop"}}`, 422, "/submitter"}, {`{"submitter":"a\r\nb","command":{"type":"stop"}}`, 422, "/submitter"},
		{`{"deadline_ms":0,"command":{"type":"stop"}}`, 422, "/deadline_ms"}, {`{"deadline_ms":60001,"command":{"type":"stop"}}`, 422, "/deadline_ms"},
		{`{"deadline_ms":9223372036854775807,"command":{"type":"stop"}}`, 422, "/deadline_ms"}, {`{"deadline_ms":null,"command":{"type":"stop"}}`, 422, "/deadline_ms"},
		{`{"min_drivers":-1,"command":{"type":"stop"}}`, 422, "/min_drivers"}, {`{"min_drivers":1000001,"command":{"type":"stop"}}`, 422, "/min_drivers"},
		{`{"min_drivers":4294967297,"command":{"type":"stop"}}`, 422, "/min_drivers"}, {`{"if_seq":-1,"command":{"type":"stop"}}`, 422, "/if_seq"},
		{`{"if_seq":18446744073709551615,"command":{"type":"stop"}}`, 422, "/if_seq"},
		{`{"target":{"driver_ids":["ok","../x"]},"command":{"type":"stop"}}`, 422, "/target/driver_ids/1"}, {`{"target":[],"command":{"type":"stop"}}`, 422, "/target"},
		{`{"target":{"driver_ids":[null]},"command":{"type":"stop"}}`, 422, "/target/driver_ids/0"},
		{`{"target":{"labels":{"a b":"c"}},"command":{"type":"stop"}}`, 422, "/target/labels"}, {`{"target":{"labels":{"a":1}},"command":{"type":"stop"}}`, 422, "/target/labels/a"},
		{`{"target":{"labels":{"a":"` + strings.Repeat("é", 129) + `"}},"command":{"type":"stop"}}`, 422, "/target/labels/a"},
	} {
		a := w.do(t, "POST", "/commands", c.body)
		code := map[int]string{400: "malformed_json", 422: "invalid_command"}[c.status]
		a.refused(t, c.status, code)
		if c.pointer != "" && (len(a.Errors) == 0 || a.Errors[0].Pointer != c.pointer || a.Errors[0].Detail == "") {
			t.Errorf("%.90s: errors %+v, want %s first", c.body, a.Errors, c.pointer)
		}
		if t.Failed() {
			t.Fatalf("the body was %.90s, the answer %s", c.body, a.body)
		}
	}
	w.do(t, "POST", "/commands", "").refused(t, 400, "malformed_json")
	if n := w.count(); n > 0 {
		t.Errorf("%d wrong bodies became commands", n)
	}
}

func TestMediaTypes(t *testing.T) {
	w := newWorld(t, nil)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(stop))
	_ = z.Close()
	for _, headers := range [][]string{
		{"Content-Type: text/plain"}, {"Content-Type: "}, {"Content-Type: application/x-www-form-urlencoded"}, {"Content-Type: multipart/form-data; boundary=x"},
		{"Content-Type: application/json5"}, {"Content-Type: application/merge-patch+json"}, {"Content-Type: text/plain; application/json"},
		{"Content-Encoding: gzip"}, {"Content-Encoding: identity"}, {"Content-Encoding: br"},
	} {
		w.do(t, "POST", "/commands", stop, headers...).refused(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
	}
	w.do(t, "POST", "/commands", packed.String(), "Content-Encoding: gzip").refused(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
	w.do(t, "POST", "/commands", packed.String()).refused(t, http.StatusBadRequest, "malformed_json")
	for _, ok := range []string{"application/json", "application/json; charset=utf-8", "APPLICATION/JSON"} {
		if a := w.do(t, "POST", "/commands", stop, "Content-Type: "+ok); a.StatusCode != http.StatusCreated {
			t.Errorf("%s: %d %s", ok, a.StatusCode, a.body)
		}
	}
}

func TestBodyLimitIsExact(t *testing.T) {
	w := newWorld(t, nil)
	fill := func(n int) string { return stop + strings.Repeat(" ", n-len(stop)) }
	if a := w.do(t, "POST", "/commands", fill(maxBodyBytes)); a.StatusCode != http.StatusCreated {
		t.Errorf("64 KiB: %d %s", a.StatusCode, a.body)
	}
	w.do(t, "POST", "/commands", fill(maxBodyBytes+1)).refused(t, http.StatusRequestEntityTooLarge, "body_too_large")
}

// TestAFloodIsCutEarly: a body without end is refused after 64 KiB, and the connection ends.
func TestAFloodIsCutEarly(t *testing.T) {
	net := swarmtest.Serve(t, newWorld(t, nil).handler)
	flood := &endless{}
	resp, err := net.Client().Post("http://localhost/commands", "application/json", flood)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
		t.Errorf("got %d, connection closed: %v", resp.StatusCode, resp.Close)
	}
	if flood.sent > 4*maxBodyBytes {
		t.Errorf("the server took %d bytes before it refused", flood.sent)
	}
}

type endless struct{ sent int }

func (e *endless) Read(p []byte) (int, error) {
	e.sent += len(p)
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestASlowBodyIsCut: a body has bodyTimeout to arrive whole, however steadily it drips.
func TestASlowBodyIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := swarmtest.Serve(t, newWorld(t, nil).handler)
		began, slow := time.Now(), newDrip(time.Second)
		defer slow.stop()
		resp, err := net.Client().Post("http://localhost/commands", "application/json", slow)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if took := time.Since(began); resp.StatusCode != http.StatusBadRequest || took != bodyTimeout {
			t.Errorf("got %d after %v, want 400 after %v", resp.StatusCode, took, bodyTimeout)
		}
	})
}

// TestASteadyBodyHasItsTime: the time limit of the body ends with it, however long the outcome takes.
func TestASteadyBodyHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.hold = make(chan struct{})
		net := swarmtest.Serve(t, w.handler)
		time.AfterFunc(5*bodyTimeout, func() { close(w.hold) })
		resp, err := net.Client().Post("http://localhost/commands", "application/json", newDrip(bodyTimeout/100))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			t.Errorf("got %d, want 201", resp.StatusCode)
		}
	})
}

// drip is a command that comes a byte at a time.
type drip struct {
	left    []byte
	every   time.Duration
	stopped chan struct{}
}

func newDrip(every time.Duration) *drip { return &drip{[]byte(stop), every, make(chan struct{})} }

func (d *drip) stop() { close(d.stopped) }

func (d *drip) Read(p []byte) (int, error) {
	if len(d.left) == 0 {
		return 0, io.EOF
	}
	select {
	case <-time.After(d.every):
	case <-d.stopped:
		return 0, io.ErrClosedPipe
	}
	p[0], d.left = d.left[0], d.left[1:]
	return 1, nil
}
