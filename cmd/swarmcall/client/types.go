package client

import "time"

// Command is one command, as it goes over the wire. Players and SpawnDelayMS are nil where the type has no such value.
type Command struct {
	Type         string `json:"type"`
	Players      *int64 `json:"players,omitempty"`
	PlayersTotal *int64 `json:"players_total,omitempty"`
	SpawnDelayMS *int64 `json:"spawn_delay_ms,omitempty"`
	Note         string `json:"note,omitempty"`
}

// Submission is the body of POST /commands.
type Submission struct {
	Submitter string  `json:"submitter,omitempty"`
	Command   Command `json:"command"`
}

// Entry is one command of the log with its outcome.
type Entry struct {
	Seq         uint64    `json:"seq"`
	Submitter   string    `json:"submitter"`
	Command     Command   `json:"command"`
	Status      string    `json:"status"` // pending, complete, superseded, partial, failed
	SubmittedAt time.Time `json:"submitted_at"`
	DurationMS  float64   `json:"duration_ms"`
	Counts      Counts    `json:"counts"`
	Acked       []Verdict `json:"acked"`
	Rejected    []Verdict `json:"rejected"`
	Missing     []Verdict `json:"missing"`
}

// Counts say how many of the targeted drivers ended how.
type Counts struct {
	Targeted   int `json:"targeted"`
	Acked      int `json:"acked"`
	Rejected   int `json:"rejected"`
	Superseded int `json:"superseded"`
	Missing    int `json:"missing"`
}

// Verdict is the answer of one driver, or the lack of one.
type Verdict struct {
	DriverID  string  `json:"driver_id"`
	LatencyMS float64 `json:"latency_ms"`
	Reason    string  `json:"reason"` // of a missing one
	Code      string  `json:"code"`   // of a rejection
	Detail    string  `json:"detail"` // of a rejection
}

// Roster is who is there.
type Roster struct {
	Items  []Driver `json:"items"`
	Counts struct {
		Active       int `json:"active"`
		Stale        int `json:"stale"`
		Disconnected int `json:"disconnected"`
	} `json:"counts"`
}

// Driver is one line of the roster.
type Driver struct {
	DriverID string `json:"driver_id"`
	State    string `json:"state"` // active, stale, disconnected
	Reported struct {
		Players int64 `json:"players"`
	} `json:"reported"`
}
