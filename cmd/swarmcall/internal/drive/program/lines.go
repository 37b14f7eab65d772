package program

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/swarmcall/swarmcall/api/integer"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver"
)

// maxLine bounds a line of the program, in bytes.
const maxLine = 64 << 10

// order is a line for the program.
type order struct {
	ID uint64 `json:"id"`
	command.Fields
	DeadlineMS  int64  `json:"deadline_ms"`
	Traceparent string `json:"traceparent,omitempty"`
}

func orderOf(id uint64, c driver.Command, deadlineMS int64) order {
	return order{ID: id, Fields: c.Command().Fields(), DeadlineMS: deadlineMS, Traceparent: c.Traceparent}
}

// Types of the program's lines.
const (
	typeAck    = "ack"
	typeReject = "reject"
	typeState  = "state"
)

// report is a line of the program.
type report struct {
	Type         string             `json:"type"`
	ID           uint64             `json:"id"`
	Code         string             `json:"code"`
	Detail       string             `json:"detail"`
	Players      *int64             `json:"players"`
	SpawnDelayMS *int64             `json:"spawn_delay_ms"`
	Metrics      map[string]float64 `json:"metrics"`
}

func reportOf(line []byte) (r report, err error) {
	if err := json.Unmarshal(integer.InDigits(line), &r); err != nil { // some languages write 5.0 for 5
		return r, err
	}
	switch r.Type {
	case typeAck, typeReject:
		if r.ID == 0 {
			err = errors.New("the id of a command is missing")
		}
	case typeState:
		if r.Players != nil && *r.Players < 0 {
			err = errors.New("players must not be negative")
		}
	default:
		err = fmt.Errorf("unknown type %q: it must be %s, %s or %s", r.Type, typeAck, typeReject, typeState)
	}
	return r, err
}

// splitter is a writer that splits its input into lines. It reports lines that are too long, and drops them.
type splitter struct {
	line func([]byte)
	long func()
	rest []byte
	over bool // the current line is too long
}

func (s *splitter) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte("\n"))
		rest = after
		if s.over = s.over || len(s.rest)+len(part) > maxLine; !s.over {
			s.rest = append(s.rest, part...)
		}
		if ended {
			s.end()
		}
	}
	return len(b), nil
}

func (s *splitter) end() {
	switch {
	case s.over:
		s.long()
	case len(bytes.TrimSpace(s.rest)) > 0:
		s.line(s.rest)
	}
	s.rest, s.over = s.rest[:0], false
}
