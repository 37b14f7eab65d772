// Package wire is the driver protocol swarmcall.v1.json: frames, limits and close codes, for the server and for
// drivers.
//
// Every frame is one JSON object in one text message of UTF-8, at most [MaxFrameBytes] long. Both sides ignore unknown
// fields. Package schema has the JSON Schemas of the frames, testdata a golden frame of each kind, and docs/protocol.md
// the duties of a driver.
package wire

import "time"

// Subprotocol is the version of the protocol, offered and chosen in Sec-WebSocket-Protocol.
const Subprotocol = "swarmcall.v1.json"

// Limits for both sides.
const (
	MaxFrameBytes        = 32 << 10
	MaxRejectCodeBytes   = 64  // of a command_ack; longer texts are truncated
	MaxRejectDetailBytes = 512 // of a command_ack; longer texts are truncated
	MaxMetrics           = 64  // of a heartbeat; the server refuses a heartbeat with more
	MaxMetricNameBytes   = 256 // without control characters
	RegisterTimeout      = 5 * time.Second
)

// Reconnect delays: full jitter over base·2ⁿ, at most the cap; the attempt count restarts after StableAfter of health.
const (
	ReconnectBase = 500 * time.Millisecond
	ReconnectCap  = 30 * time.Second
	StableAfter   = 60 * time.Second
)

// Frame types, the value of each frame's "type".
const (
	TypeRegister     = "register"
	TypeRegistered   = "registered"
	TypeHeartbeat    = "heartbeat"
	TypeHeartbeatAck = "heartbeat_ack"
	TypeCommand      = "command"
	TypeCommandAck   = "command_ack"
	TypeDeregister   = "deregister"
	TypeDrain        = "drain"
	TypeError        = "error"
)

// Statuses of a command_ack.
const (
	StatusApplied  = "applied"
	StatusRejected = "rejected"
)

// Codes of error frames.
const (
	ErrorUnknownType       = "unknown_type"       // drivers do not send frames of this type
	ErrorInvalidFrame      = "invalid_frame"      // a field is missing, of the wrong type or given twice
	ErrorAlreadyRegistered = "already_registered" // a session has only one register
	ErrorForbidden         = "forbidden"          // the credential may not register this driver
	ErrorTooManyDrivers    = "too_many_drivers"   // the server accepts no further driver id
	ErrorRevoked           = "revoked"            // the credential is not valid any more
	ErrorTooManyFrames     = "too_many_frames"    // in too short a time
)
