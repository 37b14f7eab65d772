package httpapi

import (
	"crypto/sha256"

	"github.com/go-json-experiment/json"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// request is the content of a client's request, independent of the order and the white space of its JSON. An omitted
// deadline stays omitted: the default may change between a request and its retry.
type request struct {
	Submitter  string
	Command    swarm.Command
	Target     swarm.Target
	DeadlineMS *int64
	MinDrivers int
	IfSeq      *uint64
}

// requestHash distinguishes a retry from another request with the same idempotency key.
func requestHash(body *api.CommandRequest, s swarm.Submission) []byte {
	b, err := json.Marshal(request{s.Submitter, s.Command, s.Target, body.DeadlineMs, s.MinDrivers, s.IfSeq},
		json.Deterministic(true))
	if err != nil {
		panic("cannot encode a request as JSON: " + err.Error()) // it was decoded from JSON
	}
	sum := sha256.Sum256(b)
	return sum[:]
}
