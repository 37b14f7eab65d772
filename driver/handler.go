package driver

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// Handler is the load generator's side: it carries out commands.
type Handler interface {
	// Apply accepts the new target that c sets, and returns; the ramp to it continues without Apply. Calls never
	// overlap. The context ends when Run has to end; Run returns only after Apply has returned.
	Apply(ctx context.Context, c Command) error
}

// HandlerFunc adapts a function to a Handler.
type HandlerFunc func(ctx context.Context, c Command) error

// Apply calls f.
func (f HandlerFunc) Apply(ctx context.Context, c Command) error { return f(ctx, c) }

// Codes of rejections that are not made by Reject.
const (
	codeApplyFailed = "apply_failed"        // Apply returned another error
	codePanic       = "handler_panic"       // Apply panicked
	codeInvalid     = "invalid_command"     // the server sent a command without a valid value
	codeUnsupported = "unsupported_command" // not among the driver's capabilities
	codeOverLimit   = "over_local_limit"    // more than Config.MaxPlayers
	codeStopped     = "stopped_locally"     // Config.LocalStop is engaged
)

// Rejection is an answer that a command was not applied.
type Rejection struct {
	Code   string // for machines, at most 64 bytes
	Detail string // for people, at most 512 bytes
}

// Reject makes the error with which Apply rejects a command: a code for machines, at most 64 bytes, such as
// "too_many_players", and a detail for people, at most 512 bytes. Longer texts are truncated.
func Reject(code, detail string) error { return &Rejection{Code: code, Detail: detail} }

func (r *Rejection) Error() string { return r.Code + ": " + r.Detail }

func unsupported(t CommandType) *Rejection {
	return &Rejection{Code: codeUnsupported, Detail: fmt.Sprintf("this driver does not support %q", t)}
}

// call makes the handler apply c and returns its rejection, nil if c was applied.
func (w *worker) call(ctx context.Context, c Command) (rejection *Rejection) {
	defer func() {
		if v := recover(); v != nil {
			w.log.Error("the handler panicked", "seq", c.Seq, "type", c.Type, "panic", v,
				"stack", string(debug.Stack()))
			rejection = fitting(codePanic, fmt.Sprint(v))
		}
	}()
	return rejectionOf(w.handler.Apply(ctx, c))
}

// rejectionOf converts an error of Apply to an answer.
func rejectionOf(err error) *Rejection {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*Rejection](err); ok && r != nil {
		return fitting(r.Code, r.Detail)
	}
	return fitting(codeApplyFailed, err.Error())
}

// fitting makes a rejection that fits into a frame, whatever the texts contain.
func fitting(code, detail string) *Rejection {
	code, detail = cut(code, wire.MaxRejectCodeBytes), cut(detail, wire.MaxRejectDetailBytes)
	if code == "" {
		code = codeApplyFailed
	}
	return &Rejection{Code: code, Detail: detail}
}

// cut returns at most limit bytes of s, in whole characters of UTF-8.
func cut(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
