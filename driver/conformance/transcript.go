package conformance

import (
	"encoding/json"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/swarmcall/swarmcall/driver/internal/script"
)

// transcript writes what happens as JSON Lines.
type transcript struct {
	mu    sync.Mutex
	out   io.Writer // nil: none
	begun time.Time
	err   error // the first failed write
}

// line is one line of the transcript. A JSON frame is written as JSON, any other as text.
type line struct {
	AtMS  int64           `json:"at_ms"`
	Conn  int             `json:"conn,omitempty"`
	From  string          `json:"from"` // driver, server or kit
	What  string          `json:"what"`
	Frame json.RawMessage `json:"frame,omitempty"`
	Text  string          `json:"text,omitempty"`
	Code  int             `json:"code,omitempty"`
}

// maxText is the number of bytes kept of a message that is not written as JSON.
const maxText = 256

func (t *transcript) write(e script.Event) {
	if t.out == nil {
		return
	}
	l := line{
		AtMS: e.At.Sub(t.begun).Milliseconds(), Conn: e.Conn, From: e.From, What: e.What, Code: e.Code, Text: e.Detail,
	}
	switch {
	case e.Frame == nil:
	case len(e.Frame) <= 4*maxText && utf8.Valid(e.Frame) && json.Valid(e.Frame):
		l.Frame = e.Frame
	default:
		l.Text = string(e.Frame[:min(len(e.Frame), maxText)])
	}
	b, err := json.Marshal(l)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil && t.err == nil {
		_, err = t.out.Write(append(b, '\n'))
	}
	if t.err == nil {
		t.err = err
	}
}

// failed returns why the transcript is incomplete, nil if it is complete.
func (t *transcript) failed() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
