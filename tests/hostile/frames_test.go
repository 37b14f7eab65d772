package hostile

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// lastWord is the ping after everything that must not end the session.
const lastWord = "are you there?"

// TestFrames sends what the Autobahn test suite sends, adapted to a server that does not echo: it answers each message
// of an unknown type with an error frame, refuses binary messages, and limits messages to 32 KiB. Meanwhile another
// driver acks commands.
func TestFrames(t *testing.T) {
	a := inside(t)
	w := a.join()
	var beside times
	count := map[byte]int{}
	for _, c := range abuses() {
		t.Run(c.number+" "+c.what, func(t *testing.T) {
			c.try(t, a)
			beside = append(beside, w.command(t))
		})
		count[c.number[0]]++
	}
	for _, section := range "1234567" {
		if count[byte(section)] < 3 { // 9 begins with 9, and 10 with 1
			t.Errorf("section %c has %d cases", section, count[byte(section)])
		}
	}
	a.onlyTheWitnessIsLeft()
	if len(beside) > 0 {
		t.Logf("%d cases, %d commands beside, their median %v, the slowest %v", len(beside), w.sent, beside.median(),
			slices.Max(beside))
	}
}

// onlyTheWitnessIsLeft waits until the server has ended the sessions of all other drivers.
func (a *target) onlyTheWitnessIsLeft() {
	a.t.Helper()
	for began := time.Now(); ; {
		_, body := a.ask(http.MethodGet, a.url+"/drivers?state=active", "") //nolint:bodyclose // ask has closed it
		var roster struct {
			Items []struct {
				DriverID string `json:"driver_id"`
			}
		}
		if err := json.Unmarshal([]byte(body), &roster); err != nil {
			a.t.Fatalf("%v in %s", err, body)
		}
		if len(roster.Items) == 1 && roster.Items[0].DriverID == "witness" {
			return
		}
		if time.Since(began) > patience {
			a.t.Fatalf("active: %.1000s", body)
		}
	}
}

// heard is what the server has sent.
type heard struct {
	answers int      // error frames
	pongs   []string // their payloads
	code    int      // of the close frame; 0 if the session went on
	late    []string // frames after the close frame
}

// try sends what c sends, and compares what the server does with what it has to do.
func (c abuse) try(t *testing.T, a *target) {
	t.Helper()
	p, err := dial(a.addr, a.fleet)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if !c.early {
		if err := p.register("abuser-" + strings.Replace(c.number, "+", "-", 1)); err != nil {
			t.Fatal(err)
		}
	}
	sent := make(chan struct{})
	go func() { // ends when all is sent, or the server has closed
		defer close(sent)
		c.write(p)
	}()
	got, err := c.listen(p)
	_ = p.Close()
	<-sent
	if err != nil {
		t.Fatalf("after %+v: %v", got, err)
	}
	if got.code != c.code && (c.or == 0 || got.code != c.or) {
		t.Errorf("closed with %d, want %d; 0 is for a session that goes on", got.code, c.code)
	}
	if !slices.Equal(got.pongs, c.pongs) {
		t.Errorf("pongs %.200q, want %.200q", got.pongs, c.pongs)
	}
	if got.answers > c.answers || c.code == 0 && got.answers < c.answers {
		t.Errorf("%d messages were answered, want %d", got.answers, c.answers)
	}
	if len(got.late) > 0 {
		t.Errorf("after the close the server sent %.200q", got.late)
	}
}

func (c abuse) write(p *peer) {
	rest := slices.Concat(c.send...)
	if c.code == 0 {
		rest = append(rest, frame(fin|opPing, lastWord)...)
	}
	for len(rest) > 0 {
		n := len(rest)
		if c.chop > 0 {
			n = min(n, c.chop)
		}
		if _, err := p.Write(rest[:n]); err != nil {
			return // the server has closed, or try has
		}
		rest = rest[n:]
	}
}

// listen reads until the server has closed the connection. If the session goes on, it ends it once everything is
// answered: a pong may come before the answer to an earlier message, and a close would cancel that answer.
func (c abuse) listen(p *peer) (got heard, err error) {
	goesOn, ended := false, false
	for {
		if goesOn && !ended && got.answers >= c.answers {
			ended = true
			if _, err := p.Write(frame(fin|opClose, "\x03\xe8")); err != nil {
				return got, err
			}
		}
		op, payload, err := p.next()
		switch {
		case err != nil && got.code != 0: // closed; a reset, if the server has not read everything
			if goesOn && got.code == 1000 {
				got.code = 0 // this is the answer to the close below
			}
			return got, nil
		case err != nil:
			return got, err
		case got.code != 0:
			got.late = append(got.late, fmt.Sprint(op, " ", payload))
		case op == opClose:
			got.code = codeOf(payload)
			_ = p.CloseWrite() // instead of an answer, which would be read as part of what was sent
		case op == opPong && payload == lastWord:
			goesOn = true
		case op == opPong:
			got.pongs = append(got.pongs, payload)
		case op == opText && strings.Contains(payload, `"error"`) && (strings.Contains(payload, `"unknown_type"`) || c.early):
			got.answers++
		case op == opText && strings.Contains(payload, `"heartbeat_ack"`), op == opPing:
		default:
			return got, fmt.Errorf("the server sends %d %s", op, payload)
		}
	}
}
