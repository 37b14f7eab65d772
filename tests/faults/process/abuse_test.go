package process_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mostGrown is the most memory that the server may grow by during all abuses: it allocates for data that has arrived,
// not for announced lengths, and does not keep what is over the limit.
const mostGrown = 32 << 20

// TestAbusedSocket sends the driver socket of a real server what it must refuse, and similar input that is valid.
// Meanwhile another driver acks commands.
func TestAbusedSocket(t *testing.T) {
	w := newWorld(t, 1)
	before := w.server.peakBytes(t)
	refused := tally{t: t, what: "frames with another close code than they should have"}
	witness := tally{t: t, what: "commands that the driver beside did not ack"}
	slowest := time.Duration(0)
	for i, c := range abuses() {
		code, err := w.sendAbuse(c)
		refused.trial(code == c.code, "%s: closed with %d (%v), want %d", c.name, code, err, c.code)
		began := time.Now()
		a, err := w.client.post(t.Context(), command{submitter: "ops", target: w.drivers[0].id, players: int64(i)})
		slowest = max(slowest, time.Since(began))
		witness.trial(err == nil && a.entry.Status == "complete", "after %s: %d %s %v", c.name, a.status, a.body, err)
	}
	for _, f := range w.drivers[0].got() {
		witness.trial(f.session == 1, "the driver beside had to connect again")
	}
	refused.report()
	witness.report()
	grown := w.server.peakBytes(t) - before
	if grown > mostGrown {
		t.Errorf("the server grew by %d MiB", grown>>20)
	}
	t.Logf("the server grew from %d MiB by %d MiB at its peak; the slowest command of the driver beside took %v",
		before>>20, grown>>20, slowest)
}

// sendAbuse sends one abuse and returns the code that the server closes with, 0 if the session continues.
func (w *world) sendAbuse(c abuse) (int, error) {
	b, err := join(w.server.Addr, "abuser", patience)
	if err != nil {
		return -1, err
	}
	defer func() { _ = b.conn.Close() }()
	_ = b.conn.SetDeadline(time.Now().Add(patience))
	sent := make(chan struct{})
	go func() { // ends when all is sent, or the server has closed
		defer close(sent)
		if _, err := b.conn.Write(c.send); err == nil && c.code == 0 {
			_, _ = b.conn.Write(whole(opPing, "still here"))
		}
	}()
	defer func() {
		_ = b.conn.Close()
		<-sent
	}()
	if c.code != 0 {
		return b.code()
	}
	for {
		op, payload, err := b.read()
		switch {
		case err != nil:
			return -1, err
		case op == opPong && payload == "still here":
			return 0, nil
		case op == opClose:
			return int(payload[0])<<8 | int(payload[1]), fmt.Errorf("%s", payload[2:])
		case op == opText && !strings.Contains(payload, "heartbeat_ack"):
			return -1, fmt.Errorf("the server says %s", payload)
		}
	}
}

// TestAMessageWithoutEnd: empty fragments never reach the size limit, but the time to register ends the connection.
func TestAMessageWithoutEnd(t *testing.T) {
	w := newWorld(t, 1)
	b, err := open(w.server.Addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	_ = b.conn.SetDeadline(time.Now().Add(patience))
	ended := make(chan struct{})
	go func() { // ends with the connection
		defer close(ended)
		for _, err := b.conn.Write(fragment(opText, "")); err == nil; {
			_, err = b.conn.Write(fragment(opMore, ""))
		}
	}()
	began := time.Now()
	code, err := b.code()
	if code != 4005 {
		t.Errorf("closed with %d (%v) after %v, want 4005", code, err, time.Since(began))
	}
	w.all(t, 1, command{submitter: "ops", players: 1})
	_ = b.conn.Close()
	<-ended
	t.Logf("closed with %d after %v", code, time.Since(began).Round(time.Millisecond))
}

// peakBytes is the most memory that the server has had.
func (s *server) peakBytes(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Cmd.Process.Pid))
	need(t, err, "/proc (Linux)")
	_, line, _ := strings.Cut(string(b), "VmHWM:")
	kib, err := strconv.ParseInt(strings.Fields(line)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
