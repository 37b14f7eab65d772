package httpapi

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// TestWrongBodies: invalid JSON is 400, JSON that is not a command is 422 and names the field. Nothing becomes a
// command.
func TestWrongBodies(t *testing.T) {
	w := newWorld(t, nil)
	set := func(members string) string { return `{"command":{"type":"set_players"` + members + `}}` }
	for _, c := range []struct {
		body    string
		status  int
		pointer string
	}{
		{" ", 400, ""}, {"{", 400, ""}, {"nope", 400, ""}, {stop + "{}", 400, ""}, {stop + ",", 400, ""},
		{"\xef\xbb\xbf" + stop, 400, ""},
		{"{\x00\"\x00}\x00", 400, ""}, {`{"submitter":"` + "\xff" + `"}`, 400, ""},
		{`{"submitter":"\ud800","command":{"type":"stop"}}`, 400, ""},
		{`{"command":{"type":"stop"},"command":{"type":"stop"}}`, 400, "/command"},
		{set(`,"players":1,"players":1`), 400, "/command/players"},
		{`{"command":{"type":"stop"},}`, 400, ""}, {`{'command':1}`, 400, ""},
		{set(`,"players":01`), 400, ""}, {set(`,"players":NaN`), 400, ""},
		{strings.Repeat("[", 60000), 422, ""}, {set(`,"players":` + strings.Repeat("[", 60000)), 400, ""},
		{`{"submitter":` + strings.Repeat(`{"a":`, 12000), 400, ""},

		{"null", 422, "/command"}, {"7", 422, ""}, {`"stop"`, 422, ""}, {"[]", 422, ""},
		{"{}", 422, "/command"}, {`{"command":null}`, 422, "/command"},
		{`{"command":"stop"}`, 422, "/command"}, {`{"command":{}}`, 422, "/command/type"},
		{`{"command":{"type":null}}`, 422, "/command/type"}, {`{"command":{"type":"Stop"}}`, 422, "/command/type"},
		{`{"command":{"Type":"stop"}}`, 422, "/command/Type"}, {`{"Command":{"type":"stop"}}`, 422, "/Command"},
		{`{"command":{"type":"stop"},"playerz":1}`, 422, "/playerz"},
		{`{"command":{"type":"stop","players":1}}`, 422, "/command/players"},
		{set(""), 422, "/command/players"}, {set(`,"players":null`), 422, "/command/players"},
		{set(`,"players":"1"`), 422, "/command/players"}, {set(`,"players":-1`), 422, "/command/players"},
		{set(`,"players":1.5`), 422, "/command/players"}, {set(`,"players":1e400`), 422, "/command/players"},
		{set(`,"players":1e-400`), 422, "/command/players"},
		{set(`,"players":9007199254740993`), 422, "/command/players"},
		{set(`,"players":99999999999999999999`), 422, "/command/players"},
		{set(`,"players":1000000001`), 422, "/command/players"},
		{set(`,"players":1,"note":"` + strings.Repeat("é", 129) + `"`), 422, "/command/note"},
		{set(`,"players":1,"note":"a\u0000b"`), 422, "/command/note"},
		{set(`,"players":1,"note":null`), 422, "/command/note"},
		{`{"command":{"type":"set_spawn_delay_ms","spawn_delay_ms":86400001}}`, 422, "/command/spawn_delay_ms"},
		{`{"submitter":"a b","command":{"type":"stop"}}`, 422, "/submitter"},
		{`{"submitter":"","command":{"type":"stop"}}`, 422, "/submitter"},
		{`{"submitter":null,"command":{"type":"stop"}}`, 422, "/submitter"},
		{`{"submitter":"a\r\nb","command":{"type":"stop"}}`, 422, "/submitter"},
		{`{"deadline_ms":0,"command":{"type":"stop"}}`, 422, "/deadline_ms"},
		{`{"deadline_ms":60001,"command":{"type":"stop"}}`, 422, "/deadline_ms"},
		{`{"deadline_ms":9223372036854775807,"command":{"type":"stop"}}`, 422, "/deadline_ms"},
		{`{"deadline_ms":null,"command":{"type":"stop"}}`, 422, "/deadline_ms"},
		{`{"min_drivers":-1,"command":{"type":"stop"}}`, 422, "/min_drivers"},
		{`{"min_drivers":1000001,"command":{"type":"stop"}}`, 422, "/min_drivers"},
		{`{"min_drivers":4294967297,"command":{"type":"stop"}}`, 422, "/min_drivers"},
		{`{"if_seq":-1,"command":{"type":"stop"}}`, 422, "/if_seq"},
		{`{"if_seq":18446744073709551615,"command":{"type":"stop"}}`, 422, "/if_seq"},
		{`{"target":{"driver_ids":["ok","../x"]},"command":{"type":"stop"}}`, 422, "/target/driver_ids/1"},
		{`{"target":[],"command":{"type":"stop"}}`, 422, "/target"},
		{`{"target":{"driver_ids":[null]},"command":{"type":"stop"}}`, 422, "/target/driver_ids/0"},
		{`{"target":{"labels":{"a b":"c"}},"command":{"type":"stop"}}`, 422, "/target/labels"},
		{`{"target":{"labels":{"a":1}},"command":{"type":"stop"}}`, 422, "/target/labels/a"},
		{`{"target":{"labels":{"a":"` + strings.Repeat("é", 129) + `"}},"command":{"type":"stop"}}`,
			422, "/target/labels/a"},
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
		{"Content-Type: text/plain"}, {"Content-Type: "}, {"Content-Type: application/x-www-form-urlencoded"},
		{"Content-Type: multipart/form-data; boundary=x"},
		{"Content-Type: application/json5"}, {"Content-Type: application/merge-patch+json"},
		{"Content-Type: text/plain; application/json"},
		{"Content-Encoding: gzip"}, {"Content-Encoding: identity"}, {"Content-Encoding: br"},
	} {
		w.do(t, "POST", "/commands", stop, headers...).refused(t, http.StatusUnsupportedMediaType,
			"unsupported_media_type")
	}
	w.do(t, "POST", "/commands", packed.String(), "Content-Encoding: gzip").refused(t, http.StatusUnsupportedMediaType,
		"unsupported_media_type")
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
	if a := w.do(t, "POST", "/commands", fill(MaxBodyBytes)); a.StatusCode != http.StatusCreated {
		t.Errorf("64 KiB: %d %s", a.StatusCode, a.body)
	}
	w.do(t, "POST", "/commands", fill(MaxBodyBytes+1)).refused(t, http.StatusRequestEntityTooLarge, "body_too_large")
}

// TestAFloodIsCutEarly: a body without end is refused after 64 KiB, and the connection ends.
func TestAFloodIsCutEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		status, hangsUp, _ := slowly(t, newWorld(t, nil),
			"POST /commands HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\n",
			func(w io.Writer) error {
				n, err := w.Write(bytes.Repeat([]byte(" "), 1<<10))
				sent += n
				return err
			})
		if status != http.StatusRequestEntityTooLarge || !hangsUp {
			t.Errorf("got %d, connection closed: %v", status, hangsUp)
		}
		if sent > 8*MaxBodyBytes {
			t.Errorf("the server took %d bytes before it hung up", sent)
		}
	})
}

// TestASlowBodyIsCut: a body must arrive completely within bodyTimeout, however steadily it arrives, and whether or not
// a handler reads it: after an answer the server reads the rest.
func TestASlowBodyIsCut(t *testing.T) {
	for request, status := range map[string]int{
		"POST /commands HTTP/1.1\r\nContent-Type: application/json\r\n": http.StatusBadRequest,
		"POST /commands HTTP/1.1\r\nContent-Type: text/plain\r\n":       http.StatusUnsupportedMediaType,
		"GET /livez HTTP/1.1\r\n":                                       http.StatusOK,
		"DELETE /commands HTTP/1.1\r\n":                                 http.StatusMethodNotAllowed,
	} {
		for name, next := range map[string]func(io.Writer) error{
			"drips":        drip(time.Second, strings.NewReader(strings.Repeat(" ", 900))),
			"says nothing": drip(time.Hour, strings.NewReader(" ")),
		} {
			synctest.Test(t, func(t *testing.T) {
				got, _, took := slowly(t, newWorld(t, nil), request+"Content-Length: 1000\r\n", next)
				if got != status || took > bodyTimeout+time.Second {
					t.Errorf("%.20s, the client %s: got %d, all over after %v; want %d and %v", request, name, got,
						took, status, bodyTimeout)
				}
			})
		}
	}
}

// TestASteadyBodyHasItsTime: the time limit applies only to the body, however long the outcome takes.
func TestASteadyBodyHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.hold = make(chan struct{})
		time.AfterFunc(5*bodyTimeout, func() { close(w.hold) })
		request := fmt.Sprintf("POST /commands HTTP/1.1\r\nContent-Type: application/json\r\nConnection: "+
			"close\r\nContent-Length: %d\r\n", len(stop))
		status, _, _ := slowly(t, w, request, drip(bodyTimeout/100, strings.NewReader(stop)))
		if status != http.StatusCreated {
			t.Errorf("got %d, want 201", status)
		}
	})
}

// drip writes a body a byte at a time.
func drip(every time.Duration, body io.Reader) func(io.Writer) error {
	return func(w io.Writer) error {
		<-time.After(every)
		_, err := io.CopyN(w, body, 1)
		return err
	}
}

// slowly sends a request whose body comes from calls of next, until one fails. It returns the answer once the server
// has closed the connection, and the time until then. The answer is read while the body is still being sent, because
// Go's own client fails when it cannot write.
func slowly(
	t *testing.T, w *world, request string, next func(io.Writer) error,
) (status int, hangsUp bool, took time.Duration) {
	t.Helper()
	conn, err := swarmtest.Serve(t, w.handler).Dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var body sync.WaitGroup
	body.Go(func() {
		_, err := io.WriteString(conn, request+"Host: localhost\r\n\r\n")
		for err == nil {
			err = next(conn)
		}
	})
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_, _ = io.Copy(io.Discard, conn)
	took = time.Since(began)
	body.Wait()
	return resp.StatusCode, resp.Close, took
}
