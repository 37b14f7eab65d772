package compat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// A transcript has the frames between a driver of the last release and its server, as record_test.go recorded them. A
// line is
//
//	> a frame of the driver
//	< a frame of the server
//	= what happened: "cut", the connection was lost; "closed N", the server closed it with that code
const transcriptFile = "testdata/driver.transcript"

// TestARecordedDriver replays the transcript to the new server: the driver's frames byte for byte, but with the new
// server's log ids and seqs. A command is submitted when its frame is due. Each frame of the server must have all that
// the old one had, and each command must get the verdict that the driver gave.
func TestARecordedDriver(t *testing.T) {
	script, err := os.ReadFile(transcriptFile)
	if err != nil {
		t.Fatal(err)
	}
	r := &replay{t: t, server: newRelease.serve(t, t.TempDir()), names: map[string]string{}}
	for line := range strings.Lines(string(script)) {
		kind, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			t.Fatalf("%q is no line of a transcript", line)
		}
		switch kind {
		case ">":
			r.driver([]byte(rest))
		case "<":
			r.fromServer(rest)
		case "=":
			r.event(rest)
		default:
			t.Fatalf("%q is no line of a transcript", line)
		}
	}
	if r.verdicts != 7 || r.sessions != 2 {
		t.Errorf("%d verdicts in %d sessions: the transcript has not been replayed to its end", r.verdicts, r.sessions)
	}
}

type replay struct {
	t      *testing.T
	server *server
	ws     *websocket.Conn
	names  map[string]string // log ids and seqs: in the transcript → of this server

	sessions, verdicts int
}

// frame has the fields of a frame that the replay reads.
type frame struct {
	Type    string
	Seq     uint64
	Status  string
	Code    string
	LogID   string `json:"log_id"`
	Command json.RawMessage
	Desired []struct{ Seq uint64 }
}

func (r *replay) parse(b []byte) (f frame) {
	r.t.Helper()
	if err := json.Unmarshal(b, &f); err != nil {
		r.t.Fatalf("%s: %v", b, err)
	}
	return f
}

var seqForm = regexp.MustCompile(`"(seq|applied_seq)":(\d+)`)

// rename replaces the log ids and seqs of the transcript in a frame with this server's.
func (r *replay) rename(b []byte) []byte {
	if id := r.parse(b).LogID; id != "" {
		b = bytes.ReplaceAll(b, []byte(id), []byte(r.names[id]))
	}
	return seqForm.ReplaceAllFunc(b, func(field []byte) []byte {
		name, seq, _ := bytes.Cut(field, []byte(":"))
		if is, known := r.names[string(seq)]; known {
			seq = []byte(is)
		}
		return fmt.Appendf(nil, "%s:%s", name, seq)
	})
}

// driver sends a frame of the driver. After an ack the entry must have its verdict.
func (r *replay) driver(b []byte) {
	r.t.Helper()
	said := r.parse(b)
	if said.Type == "register" {
		r.ws = dial(r.t, r.server.url)
		r.t.Cleanup(func() { _ = r.ws.CloseNow() })
		r.sessions++
	}
	b = r.rename(b)
	if err := r.ws.Write(r.t.Context(), websocket.MessageText, b); err != nil {
		r.t.Fatal(err)
	}
	if said.Type == "command_ack" {
		r.verdict(r.parse(b))
	}
}

func (r *replay) verdict(ack frame) {
	r.t.Helper()
	var e entry
	if !within(func() bool { e = entryOf(r.server.url, ack.Seq); return e.Status != "pending" }) {
		r.t.Fatalf("entry %d is open after its ack", ack.Seq)
	}
	got := fmt.Sprintf("%d acked, %v rejected", len(e.Acked), e.Rejected)
	want := "1 acked, [] rejected"
	if ack.Status == "rejected" {
		want = fmt.Sprintf("0 acked, %v rejected", []verdict{{DriverID: "d-1", Code: ack.Code}})
	}
	if got != want {
		r.t.Errorf("entry %d has %s, want %s", ack.Seq, got, want)
	}
	r.verdicts++
}

// fromServer reads the frame that is due. A command is sent first.
func (r *replay) fromServer(line string) {
	r.t.Helper()
	was := r.parse([]byte(line))
	if was.Type == "command" {
		body := fmt.Sprintf(`{"command": %s, "deadline_ms": 30000}`, was.Command)
		e, _ := post(r.t, r.server.url, body, "Prefer: respond-async")
		r.names[fmt.Sprint(was.Seq)] = fmt.Sprint(e.Seq)
	}
	is := r.read()
	got := r.parse(is)
	if was.LogID != "" {
		r.names[was.LogID] = got.LogID
	}
	var older, newer any
	if err := json.Unmarshal(r.rename([]byte(line)), &older); err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal(is, &newer); err != nil {
		r.t.Fatal(err)
	}
	for _, difference := range missing(older, newer, "session", "deadline_ms") {
		r.t.Errorf("%s: %s, where the old server said %s", is, difference, line)
	}
}

// read returns the next frame that is not a heartbeat_ack.
func (r *replay) read() []byte {
	r.t.Helper()
	for {
		_, b, err := r.ws.Read(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if r.parse(b).Type != "heartbeat_ack" {
			return b
		}
	}
}

func (r *replay) event(what string) {
	r.t.Helper()
	if what == "cut" {
		_ = r.ws.CloseNow()
		if !within(func() bool { return active(r.server.url) == 0 }) {
			r.t.Fatal("the server does not notice that the connection is lost")
		}
		return
	}
	for {
		_, b, err := r.ws.Read(r.t.Context())
		if err == nil && r.parse(b).Type == "heartbeat_ack" {
			continue
		}
		if got := fmt.Sprintf("closed %d", websocket.CloseStatus(err)); got != what {
			r.t.Errorf("the server %s (%s, %v), want %s", got, b, err, what)
		}
		return
	}
}
