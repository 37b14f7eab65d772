package wire

import "github.com/swarmcall/swarmcall/command"

// Register is a driver's first frame.
type Register struct {
	Type         string            `json:"type"`
	DriverID     string            `json:"driver_id"`
	Labels       map[string]string `json:"labels,omitempty"`
	Capabilities []string          `json:"capabilities,omitempty"` // command types; none means all
	Version      string            `json:"version,omitempty"`
	Instance     string            `json:"instance,omitempty"` // random per process: identifies its reconnects
	LogID        string            `json:"log_id,omitempty"`   // log that AppliedSeq belongs to
	AppliedSeq   uint64            `json:"applied_seq,omitzero"`
	State        *State            `json:"state,omitempty"`
	LeaseLost    bool              `json:"lease_lost,omitzero"`  // the driver applied on_lease_lost on its own
	Weight       *float64          `json:"weight,omitempty"`     // its share of a total; 1 if absent
	MaxPlayers   int64             `json:"max_players,omitzero"` // maximum of players; 0 for no limit of its own
}

// Registered is the server's answer to Register.
type Registered struct {
	Type                string    `json:"type"`
	Session             string    `json:"session"`
	LogID               string    `json:"log_id"`
	HeartbeatIntervalMS int64     `json:"heartbeat_interval_ms"`
	LeaseTTLMS          int64     `json:"lease_ttl_ms"`
	OnLeaseLost         string    `json:"on_lease_lost"` // "stop" or "hold"
	Desired             []Desired `json:"desired"`       // in seq order; applied and acked like any command
}

// Desired is a command in force for a driver that registers, as it was issued.
type Desired struct {
	Seq     uint64  `json:"seq"`
	Command Command `json:"command"`
}

// State is the state that a driver reports.
type State = command.State

// Heartbeat is sent every heartbeat_interval_ms.
type Heartbeat struct {
	Type       string             `json:"type"`
	AppliedSeq uint64             `json:"applied_seq,omitzero"`
	State      *State             `json:"state,omitempty"`
	Metrics    map[string]float64 `json:"metrics,omitempty"`
}

// HeartbeatAck renews the lease; it carries the heartbeat interval when that changes.
type HeartbeatAck struct {
	Type                string `json:"type"`
	HeartbeatIntervalMS int64  `json:"heartbeat_interval_ms,omitzero"`
}

// CommandFrame carries one command of the log to a driver.
type CommandFrame struct {
	Type       string  `json:"type"`
	Seq        uint64  `json:"seq"`
	Command    Command `json:"command"`
	DeadlineMS int64   `json:"deadline_ms"`

	// The command's place in a distributed trace, as the header traceparent of W3C Trace Context.
	Traceparent string `json:"traceparent,omitempty"`
}

// CommandAck is a driver's answer to a CommandFrame or to a Desired: StatusApplied, or StatusRejected with a code.
type CommandAck struct {
	Type   string `json:"type"`
	Seq    uint64 `json:"seq"`
	Status string `json:"status"`
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Deregister announces that the driver ends.
type Deregister struct {
	Type   string `json:"type"`
	Reason string `json:"reason,omitempty"`
}

// Drain announces that the server is about to close with 1001.
type Drain struct {
	Type             string `json:"type"`
	ReconnectAfterMS int64  `json:"reconnect_after_ms"`
}

// Error reports to a driver that its last frame had no effect, or why its session is about to be closed.
type Error struct {
	Type   string `json:"type"`
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
}

// Command is the union of commands as frames hold it.
type Command = command.Fields
