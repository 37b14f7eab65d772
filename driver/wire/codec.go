package wire

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/swarmcall/swarmcall/api/integer"
)

// ErrNotJSON says that a message is not a JSON object in UTF-8: the session ends with CloseNotJSON.
var ErrNotJSON = errors.New("not a JSON object in UTF-8")

// Encode encodes a frame; the same frame always gives the same bytes. It panics on a value that JSON cannot hold: a
// string that is not UTF-8, a metric that is not finite.
func Encode(frame any) []byte {
	b, err := json.Marshal(frame, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("wire: encode %T: %v", frame, err))
	}
	return b
}

// TypeOf checks that b is a JSON object in UTF-8 and returns its "type", "" if there is none. The error wraps
// ErrNotJSON, or is about one field: then b is a JSON object, but not a valid frame.
func TypeOf(b []byte) (string, error) {
	if t := bytes.TrimLeft(b, " \t\r\n"); len(t) == 0 || t[0] != '{' || !utf8.Valid(b) {
		return "", ErrNotJSON
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return "", classify(err)
	}
	return head.Type, nil
}

// Decode fills frame from b. It refuses duplicate names and ignores unknown ones. Integers are those of JSON Schema:
// 5.0 and 5e0 are 5. Its errors are those of TypeOf.
func Decode(b []byte, frame any) error {
	err := json.Unmarshal(b, frame)
	if _, ok := errors.AsType[*json.SemanticError](err); ok {
		// The decoder accepts only digits. Nearly all frames have only digits, and do not get here.
		if digits := integer.InDigits(b); len(digits) > 0 && &digits[0] != &b[0] {
			reflect.ValueOf(frame).Elem().SetZero() // clears what the first try has set
			err = json.Unmarshal(digits, frame)
		}
	}
	if err != nil {
		return classify(err)
	}
	return nil
}

// classify separates input that is not JSON from an object with invalid fields.
func classify(err error) error {
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("field %s is given twice", s.JSONPointer)
		}
		return fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	if s, ok := errors.AsType[*json.SemanticError](err); ok {
		return fmt.Errorf("field %s has a value of the wrong type", s.JSONPointer)
	}
	return err
}
