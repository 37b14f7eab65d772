package ndjson

import "github.com/swarmcall/swarmcall/command"

type issuedLine struct {
	ID             uint64         `json:"id"`
	Event          string         `json:"event"`
	Seq            uint64         `json:"seq"`
	Node           string         `json:"node"`
	Submitter      string         `json:"submitter"`
	Command        command.Fields `json:"command"`
	Target         targetJSON     `json:"target"`
	Targets        []string       `json:"targets"`
	SubmittedAt    string         `json:"submitted_at"`
	DeadlineMS     int64          `json:"deadline_ms"`
	Split          []command.Part `json:"split,omitempty"`
	Cause          string         `json:"cause,omitempty"`
	IdempotencyKey string         `json:"idempotency_key,omitempty"`

	IfSeq   *uint64       `json:"if_seq,omitempty"`
	LeftOut []leftOutJSON `json:"left_out,omitempty"`
	Via     *viaJSON      `json:"via,omitempty"`
}

type viaJSON struct {
	Credential string `json:"credential,omitempty"`
	RemoteAddr string `json:"remote_addr,omitempty"`
	RequestID  string `json:"request_id,omitempty"`
	Server     bool   `json:"server,omitempty"`
}

type leftOutJSON struct {
	DriverID string `json:"driver_id"`
	Reason   string `json:"reason"`
}

type targetJSON struct {
	DriverIDs []string          `json:"driver_ids,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
}

type closedLine struct {
	ID         uint64           `json:"id"`
	Event      string           `json:"event"`
	Seq        uint64           `json:"seq"`
	Node       string           `json:"node"`
	Status     string           `json:"status"`
	ClosedAt   string           `json:"closed_at"`
	DurationMS float64          `json:"duration_ms"`
	Counts     countsJSON       `json:"counts"`
	Acked      []ackedJSON      `json:"acked"`
	Rejected   []rejectedJSON   `json:"rejected"`
	Superseded []supersededJSON `json:"superseded"`
	Missing    []missingJSON    `json:"missing"`
}

type countsJSON struct {
	Targeted   int `json:"targeted"`
	Acked      int `json:"acked"`
	Rejected   int `json:"rejected"`
	Superseded int `json:"superseded"`
	Missing    int `json:"missing"`
}

type ackedJSON struct {
	DriverID  string  `json:"driver_id"`
	LatencyMS float64 `json:"latency_ms"`
}

type rejectedJSON struct {
	DriverID  string  `json:"driver_id"`
	LatencyMS float64 `json:"latency_ms"`
	Code      string  `json:"code"`
	Detail    string  `json:"detail"`
}

type supersededJSON struct {
	DriverID string `json:"driver_id"`
}

type missingJSON struct {
	DriverID string `json:"driver_id"`
	Reason   string `json:"reason"`
}

type lateLine struct {
	ID    uint64     `json:"id"`
	Event string     `json:"event"`
	Seq   uint64     `json:"seq"`
	Node  string     `json:"node"`
	At    string     `json:"at"`
	Late  []lateJSON `json:"late"`
}

type lateJSON struct {
	DriverID  string  `json:"driver_id"`
	Status    string  `json:"status"`
	LatencyMS float64 `json:"latency_ms"`
	Code      string  `json:"code,omitempty"`
	Detail    string  `json:"detail,omitempty"`
}

type resetLine struct {
	ID    uint64     `json:"id"`
	Event string     `json:"event"`
	Node  string     `json:"node"`
	At    string     `json:"at"`
	Cause string     `json:"cause"`
	LogID string     `json:"log_id,omitempty"`
	Lost  []spanJSON `json:"lost,omitempty"`
}

type spanJSON struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

type expiredLine struct {
	ID       uint64     `json:"id"`
	Event    string     `json:"event"`
	Node     string     `json:"node"`
	At       string     `json:"at"`
	Replaced uint64     `json:"replaced"`
	Target   targetJSON `json:"target"`
	Cause    string     `json:"cause"`
}
