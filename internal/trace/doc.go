// Package trace makes one OpenTelemetry span of each command, and sends the spans to a collector by OTLP over HTTP. It
// is off unless the environment names a collector, and it is the only package that imports OpenTelemetry.
//
// A span begins when a request to issue a command has passed the checks of its form, as a child of the traceparent of
// the request. Drivers get the traceparent of the span with the command. The part of the server that refuses the command
// ends the span; otherwise Follow ends it when the outcome is in the log. Nothing of a trace is stored in the log, so a
// server that starts again knows nothing of the spans of its predecessor, which has ended them.
//
// The spans of open commands are kept in a table by seq. Ended spans wait in the bounded queue of the SDK, from which
// one goroutine sends them in batches: a collector that does not answer costs that queue, and delays nobody.
package trace
