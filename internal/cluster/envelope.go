package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

const (
	version    = 1         // of the bodies
	maxMessage = 512 << 10 // bytes, with the line
	maxLine    = 1 << 10   // more than any line has: a version and two tokens
	maxBody    = maxMessage - maxLine
)

var errTooLarge = fmt.Errorf("it has more than %d bytes", maxMessage)

// newerError says that a message has a version that this program does not know.
type newerError struct{ version int }

func (e newerError) Error() string { return fmt.Sprintf("it has version %d", e.version) }

// seal returns a message.
func seal(from swarm.NodeID, body any) []byte {
	b := []byte(fmt.Sprintf("%d %s %s\n", version, token(from.Name), token(from.Instance)))
	return append(b, encode(body)...)
}

// encode returns a part of a body. Text that is not UTF-8 is changed so that it is.
func encode(part any) []byte {
	b, err := json.Marshal(part, jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("cluster: encode %T: %v", part, err)) // metrics came as JSON, so they are finite
	}
	return b
}

// open reads a message into body. The sender is known even if the error is about the body.
func open(message []byte, body any) (from swarm.NodeID, err error) {
	if len(message) > maxMessage {
		return from, errTooLarge
	}
	line, rest, ok := bytes.Cut(message, []byte("\n"))
	fields := strings.Split(string(line[:min(len(line), maxLine)]), " ")
	if !ok || len(fields) != 3 {
		return from, errors.New("it does not begin with a version and a node")
	}
	v, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil || v < 1 || fields[0][0] == '0' {
		return from, errors.New("it does not begin with a version")
	}
	name, okName := nameOf(fields[1])
	instance, okInstance := nameOf(fields[2])
	if !okName || !okInstance {
		return from, errors.New("it does not name a node")
	}
	from = swarm.NodeID{Name: name, Instance: instance}
	if v != version {
		return from, newerError{version: int(v)}
	}
	return from, json.Unmarshal(rest, body, json.RejectUnknownMembers(true))
}
