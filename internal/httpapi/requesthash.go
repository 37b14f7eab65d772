package httpapi

import (
	"crypto/sha256"

	"github.com/go-json-experiment/json"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// request is the content of a client's request, independent of the order and the white space of its JSON. An omitted
// deadline stays omitted: the default may change between a request and its retry.
type request struct {
	Submitter  string
	Command    hashedCommand
	Target     swarm.Target
	DeadlineMS *int64
	MinDrivers int
	IfSeq      *uint64
}

// hashedCommand is a command as it is hashed. Hashes are in the log, and a retry may come after an upgrade, so the
// shape never changes: the types of the first release have members of their own.
type hashedCommand struct {
	Type         command.Type
	Players      int64
	Total        bool
	SpawnDelayMS int64
	Note         string
	Value        int64 `json:",omitzero"`
}

func hashed(c swarm.Command) hashedCommand {
	h := hashedCommand{Type: c.Type, Total: c.Total, Note: c.Note}
	switch c.Type {
	case command.SetPlayers:
		h.Players = c.Value
	case command.SetSpawnDelay:
		h.SpawnDelayMS = c.Value
	default:
		h.Value = c.Value
	}
	return h
}

// requestHash distinguishes a retry from another request with the same idempotency key.
func requestHash(body *api.CommandRequest, s swarm.Submission) []byte {
	b, err := json.Marshal(request{s.Submitter, hashed(s.Command), s.Target, body.DeadlineMs, s.MinDrivers, s.IfSeq},
		json.Deterministic(true))
	if err != nil {
		panic("cannot encode a request as JSON: " + err.Error()) // it was decoded from JSON
	}
	sum := sha256.Sum256(b)
	return sum[:]
}
