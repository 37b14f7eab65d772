package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/swarmcall/swarmcall/api/integer"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// MaxBodyBytes bounds the body of a request.
const MaxBodyBytes = 64 << 10

const bodyTimeout = 10 * time.Second // a body must have arrived by then

// withBodyTimeout bounds how long a body may take, whether or not a handler reads it. After an answer the server reads
// the rest of the body, and would otherwise wait for that without limit.
func withBodyTimeout(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// Test recorders do not support it.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		next.ServeHTTP(w, r)
	})
}

// withStrictBody reads a POST's body, refuses anything but a strict JSON command, and passes the body on to be read
// again. The generated decoder is lenient: it would accept the last of two equal keys, and any capitalization of a key.
func withStrictBody(refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				next.ServeHTTP(w, r)
				return
			}
			body, err := readBody(w, r)
			if err == nil {
				body, err = strictBody(body)
			}
			if err != nil {
				refuse(w, r, err)
				return
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			joinLines(r.Header, "Prefer")
			next.ServeHTTP(w, r)
		})
	}
}

// joinLines joins the lines of a header that is a list: the generated decoder would refuse a second line.
func joinLines(h http.Header, name string) {
	if lines := h.Values(name); len(lines) > 1 {
		h.Set(name, strings.Join(lines, ", "))
	}
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, swarm.Errorf(swarm.CodeUnsupportedMediaType,
			"the body must be JSON: send Content-Type: application/json")
	}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, swarm.Errorf(swarm.CodeUnsupportedMediaType,
			"the body must not be compressed: send no Content-Encoding")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, swarm.Errorf(swarm.CodeBodyTooLarge, "the body is over 64 KiB")
	}
	if err != nil {
		return nil, &swarm.Error{Code: swarm.CodeBadRequest, Detail: "the body is incomplete", Cause: err}
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // waiting for the outcome may take longer
	return body, nil
}

// commandShape is the body of POST /commands as the OpenAPI document defines it, for a strict check before the lenient
// decoder.
type commandShape struct {
	Submitter  string          `json:"submitter"`
	Command    *command.Fields `json:"command"`
	DeadlineMS int64           `json:"deadline_ms"`
	Target     struct {
		DriverIDs []string          `json:"driver_ids"`
		Labels    map[string]string `json:"labels"`
	} `json:"target"`
	MinDrivers int32 `json:"min_drivers"`
	IfSeq      int64 `json:"if_seq"`
	DryRun     bool  `json:"dry_run"`
}

// strictBody checks a body, and returns it with integers in digits: the OpenAPI document allows 5.0 and 5e0 for 5, the
// decoders do not.
func strictBody(body []byte) ([]byte, error) {
	err := checkBody(body)
	if e, ok := errors.AsType[*swarm.Error](err); ok && e.Code == swarm.CodeInvalidCommand {
		body = integer.InDigits(body)
		err = checkBody(body)
	}
	return body, err
}

func checkBody(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return swarm.Errorf(swarm.CodeMalformedJSON, "the body is empty; send a command as JSON")
	}
	var shape commandShape
	if err := json.Unmarshal(body, &shape, json.RejectUnknownMembers(true)); err != nil {
		return bodyError(err)
	}
	if err := shape.check(); err != nil {
		return err
	}
	return refuseNull(body)
}

// refuseNull finds a null, which the typed decoder treats as an absent field. No field of a command may be null.
func refuseNull(body []byte) error {
	if !bytes.Contains(body, []byte("null")) {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return nil // the end: the body was read once before
		}
		if token.Kind() == jsontext.KindNull {
			return invalid(swarm.FieldError{
				Pointer: string(d.StackPointer()), Detail: "is null; leave it out, or give a value",
			})
		}
	}
}

// bodyError distinguishes invalid JSON from valid JSON that is not a command.
func bodyError(err error) error {
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		e := &swarm.Error{
			Code:   swarm.CodeMalformedJSON,
			Detail: fmt.Sprintf("the body is not valid JSON from byte %d on", s.ByteOffset),
		}
		if errors.Is(err, jsontext.ErrDuplicateName) {
			e.Detail = "the body contains a field twice"
			e.Fields = []swarm.FieldError{{Pointer: string(s.JSONPointer), Detail: "is given twice"}}
		}
		return e
	}
	s, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return &swarm.Error{Code: swarm.CodeMalformedJSON, Detail: "the body is not valid JSON", Cause: err}
	}
	detail := "has a value of the wrong type, or a number out of range"
	switch {
	case errors.Is(err, json.ErrUnknownName):
		detail = "is an unknown field; check the spelling"
	case s.GoType != nil && strings.HasPrefix(s.GoType.Kind().String(), "int"):
		detail = "must be a whole number, in range"
	}
	return invalid(swarm.FieldError{Pointer: string(s.JSONPointer), Detail: detail})
}

// check finds what the typed decoder cannot: fields that are missing, or belong to another command.
func (s *commandShape) check() error {
	if s.Command == nil {
		return invalid(swarm.FieldError{Pointer: "/command", Detail: "is missing"})
	}
	if bad := s.Command.Check("/command"); len(bad) > 0 {
		return invalid(bad...)
	}
	return nil
}

func invalid(fields ...swarm.FieldError) error {
	return &swarm.Error{
		Code: swarm.CodeInvalidCommand, Detail: "the command was refused and nothing was sent", Fields: fields,
	}
}
