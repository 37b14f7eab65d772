// Package httpapi is the HTTP side of the server: routes generated from api/openapi.yaml, strict decoding, and one
// function, problems.write, that writes every error.
//
// A request passes, in this order: request id, recovery and log, security headers, Host and Origin, size and strict
// JSON, the OpenAPI document, the generated router, a handler. Sockets and pages pass the same guards but no body
// check.
package httpapi
