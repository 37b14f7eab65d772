package cluster

import (
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

const maxBatch = 500 // verdicts of one request

// verdict is a verdict on its way to the node that owns the round.
type verdict struct {
	Seq       uint64 `json:"seq"`
	Driver    string `json:"driver"`
	Kind      string `json:"kind"`
	LatencyNS int64  `json:"latency_ns,omitzero"`
	Reason    string `json:"reason,omitempty"`
	Code      string `json:"code,omitempty"`
	Detail    string `json:"detail,omitempty"`
}

type verdictRequest struct {
	Verdicts []verdict `json:"verdicts"`
}

type verdictReply struct {
	NotYet []uint64 `json:"not_yet,omitempty"`
}

// kinds are the names of verdicts, by their number.
var kinds = []string{
	swarm.Acked: "acked", swarm.Rejected: "rejected", swarm.Superseded: "superseded", swarm.Missing: "missing",
}

// encodeVerdict returns v as a part of a request.
func encodeVerdict(v swarm.NodeVerdict) jsontext.Value {
	return encode(verdict{
		Seq: v.Seq, Driver: v.DriverID, Kind: kinds[v.Verdict.Kind], LatencyNS: int64(v.Verdict.Latency),
		Reason: string(v.Verdict.Reason), Code: v.Verdict.Code, Detail: v.Verdict.Detail,
	})
}

// readVerdicts reads a request.
func readVerdicts(message []byte) (from swarm.NodeID, verdicts []swarm.NodeVerdict, err error) {
	var request verdictRequest
	if from, err = open(message, &request); err != nil {
		return from, nil, err
	}
	if len(request.Verdicts) > maxBatch {
		return from, nil, errors.New("it has too many verdicts")
	}
	for _, v := range request.Verdicts {
		kind := slices.Index(kinds, v.Kind)
		reasoned := v.Reason == ""
		if swarm.VerdictKind(kind) == swarm.Missing {
			reasoned = slices.Contains(swarm.Reasons(), swarm.Reason(v.Reason))
		}
		if v.Seq == 0 || v.Driver == "" || kind <= int(swarm.Undecided) || v.LatencyNS < 0 || !reasoned {
			return from, nil, errors.New("a verdict has a field that cannot be")
		}
		verdicts = append(verdicts, swarm.NodeVerdict{Seq: v.Seq, DriverID: v.Driver, Verdict: swarm.Verdict{
			Kind: swarm.VerdictKind(kind), Latency: time.Duration(v.LatencyNS), Reason: swarm.Reason(v.Reason), Code: v.Code,
			Detail: v.Detail,
		}})
	}
	return from, verdicts, nil
}
