package swarm

import (
	"errors"
	"strconv"
	"strings"
)

// Code identifies a kind of error for clients; api/openapi.yaml lists what each means over HTTP.
type Code string

// The codes. The map from a code to an HTTP status is in internal/httpapi/problem.go and nowhere else.
const (
	CodeMalformedJSON          Code = "malformed_json"
	CodeBadRequest             Code = "bad_request"
	CodeUnsupportedSubprotocol Code = "unsupported_subprotocol"
	CodeHostNotAllowed         Code = "host_not_allowed"
	CodeOriginNotAllowed       Code = "origin_not_allowed"
	CodeUnauthenticated        Code = "unauthenticated"
	CodeTokenExpired           Code = "token_expired"
	CodeForbidden              Code = "forbidden"
	CodeOutsideScope           Code = "outside_scope"
	CodeSubmitterMismatch      Code = "submitter_mismatch"
	CodeNotFound               Code = "not_found"
	CodeMethodNotAllowed       Code = "method_not_allowed"
	CodeNoActiveDrivers        Code = "no_active_drivers"
	CodeNotEnoughDrivers       Code = "not_enough_drivers"
	CodeNewerCommand           Code = "newer_command"
	CodeBodyTooLarge           Code = "body_too_large"
	CodeUnsupportedMediaType   Code = "unsupported_media_type"
	CodeInvalidCommand         Code = "invalid_command"
	CodeIdempotencyKeyReused   Code = "idempotency_key_reused"
	CodeRateLimited            Code = "rate_limited"
	CodeLogUnavailable         Code = "log_unavailable"
	CodeShuttingDown           Code = "shutting_down"
	CodeOutcomeNotRecorded     Code = "outcome_not_recorded"
	CodeInternal               Code = "internal"
)

// Error is an error with a code for clients. Its message is shown to them; its cause is logged only.
type Error struct {
	Code   Code
	Detail string
	Fields []FieldError   // of CodeInvalidCommand and CodeBadRequest
	Attrs  map[string]any // further fields of the answer, such as have and want of CodeNotEnoughDrivers
	Cause  error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code) + ": " + e.Detail)
	for _, f := range e.Fields {
		b.WriteString("; " + f.Pointer + " " + f.Detail)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Errorf returns an Error without cause or fields.
func Errorf(code Code, detail string) *Error { return &Error{Code: code, Detail: detail} }

// CodeOf returns the code of the first Error in err's chain, or CodeInternal.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// LogFull returns the error of a log that refuses load because it is full. It may still accept outcomes and Stops.
func LogFull(detail string) *Error {
	return &Error{Code: CodeLogUnavailable, Detail: detail, Attrs: map[string]any{"full": true}}
}

// IsLogFull reports whether err is an error of LogFull.
func IsLogFull(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Attrs["full"] == true
}

func indexPointer(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }
