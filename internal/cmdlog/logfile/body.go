package logfile

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

type issuedBody struct {
	Node        string            `json:"node"`
	Submitter   string            `json:"submitter"`
	Type        string            `json:"type"`
	Value       int64             `json:"value,omitzero"` // players or spawn delay
	Note        string            `json:"note,omitzero"`
	TargetIDs   []string          `json:"target_ids,omitzero"`
	Labels      map[string]string `json:"labels,omitzero"`
	Targets     []string          `json:"targets"`
	DeadlineMS  int64             `json:"deadline_ms"`
	SubmittedUS int64             `json:"submitted_us"`   // since the Unix epoch
	Total       bool              `json:"total,omitzero"` // value is split over the targets
	Split       []int64           `json:"split,omitzero"` // by target
	Cause       string            `json:"cause,omitzero"`
	Key         string            `json:"key,omitzero"`
	RequestHash []byte            `json:"request_hash,omitzero"`

	// Since version 2.
	LeftOut []leftOutBody `json:"left_out,omitzero"`
	IfSeq   *uint64       `json:"if_seq,omitzero"`
	Base    *uint64       `json:"base,omitzero"` // with if_seq, unless they are the same
	Via     *viaBody      `json:"via,omitzero"`  // only with authentication
}

type leftOutBody struct {
	DriverID string `json:"driver_id"`
	Reason   string `json:"reason"`
}

type viaBody struct {
	Credential string `json:"credential,omitzero"`
	RemoteAddr string `json:"remote_addr,omitzero"`
	RequestID  string `json:"request_id,omitzero"`
}

// closedBody stores the verdicts by columns: one letter per target, then the values for the letters of one kind, in
// order of targets.
type closedBody struct {
	Seq        uint64     `json:"seq"`
	Node       string     `json:"node"`
	ClosedUS   int64      `json:"closed_us"`
	DurationUS int64      `json:"duration_us"`
	Kinds      string     `json:"kinds"`               // a acked, r rejected, s superseded, m missing
	LatencyUS  []int64    `json:"latency_us,omitzero"` // of a and r
	Rejections []wordBody `json:"rejections,omitzero"` // of r
	Reasons    []int      `json:"reasons,omitzero"`    // of m: indexes in swarm.Reasons
}

type wordBody struct {
	Code   string `json:"code,omitzero"`
	Detail string `json:"detail,omitzero"`
}

type lateBody struct {
	Seq  uint64    `json:"seq"`
	Node string    `json:"node"`
	AtUS int64     `json:"at_us"`
	Acks []lateAck `json:"acks"`
}

type lateAck struct {
	DriverID  string    `json:"driver_id"`
	LatencyUS int64     `json:"latency_us"`
	Rejected  *wordBody `json:"rejected,omitzero"`
}

type resetBody struct {
	Node  string `json:"node"`
	AtUS  int64  `json:"at_us"`
	Cause string `json:"cause"`
	LogID string `json:"log_id,omitzero"`
	Epoch uint64 `json:"epoch,omitzero"`

	Lost [][2]uint64 `json:"lost,omitzero"` // since the format is stable: absent means none
}

type expiredBody struct {
	Node      string            `json:"node"`
	AtUS      int64             `json:"at_us"`
	Replaced  uint64            `json:"replaced"`
	TargetIDs []string          `json:"target_ids,omitzero"`
	Labels    map[string]string `json:"labels,omitzero"`
	Cause     string            `json:"cause"`
}

// errNewer is the error for a body with content that this program does not know.
var errNewer = errors.New("unknown to this program")

func encodeBody(r swarm.Record) (kind, []byte, error) {
	var k kind
	var body any
	switch r := r.(type) {
	case *swarm.Issued:
		k, body = kindIssued, packIssued(r)
	case *swarm.Closed:
		k, body = kindClosed, packClosed(r)
	case *swarm.Late:
		k, body = kindLate, packLate(r)
	case *swarm.Reset:
		k, body = kindReset, packReset(r)
	case *swarm.Expired:
		k, body = kindExpired, packExpired(r)
	default:
		return 0, nil, fmt.Errorf("cannot store a %T", r)
	}
	b, err := json.Marshal(body, json.Deterministic(true))
	return k, b, err
}

func decodeBody(k kind, b []byte) (swarm.Record, error) {
	switch k {
	case kindIssued:
		return decodeAs(b, unpackIssued)
	case kindClosed:
		return decodeAs(b, unpackClosed)
	case kindLate:
		return decodeAs(b, unpackLate)
	case kindReset:
		return decodeAs(b, unpackReset)
	case kindExpired:
		return decodeAs(b, unpackExpired)
	default:
		return nil, fmt.Errorf("its kind %d is %w", k, errNewer)
	}
}

func decodeAs[B any](b []byte, unpack func(*B) (swarm.Record, error)) (swarm.Record, error) {
	body := new(B)
	err := json.Unmarshal(b, body, json.RejectUnknownMembers(true))
	if s, ok := errors.AsType[*json.SemanticError](err); ok && errors.Is(err, json.ErrUnknownName) {
		return nil, fmt.Errorf("its field %s is %w", s.JSONPointer, errNewer)
	}
	if err != nil {
		return nil, fmt.Errorf("its body is invalid: %w", err)
	}
	return unpack(body)
}

func packIssued(r *swarm.Issued) issuedBody {
	b := issuedBody{
		Node: r.Node, Submitter: r.Submitter, Type: string(r.Command.Type), Value: r.Command.Value,
		Note:      r.Command.Note,
		TargetIDs: r.Target.DriverIDs, Labels: r.Target.Labels, Targets: r.Targets,
		DeadlineMS: r.Deadline.Milliseconds(), SubmittedUS: r.SubmittedAt.UnixMicro(), Total: r.Command.Total,
		Split: r.Split, Cause: r.Cause, Key: r.Key, RequestHash: r.RequestHash,
	}
	for _, l := range r.LeftOut {
		b.LeftOut = append(b.LeftOut, leftOutBody{l.DriverID, string(l.Reason)})
	}
	if v := r.Via; v != nil {
		b.Via = &viaBody{v.Credential, v.RemoteAddr, v.RequestID}
	}
	if c := r.Condition; c != nil {
		b.IfSeq = &c.IfSeq
		if c.Base != c.IfSeq {
			b.Base = &c.Base
		}
	}
	return b
}

func unpackIssued(b *issuedBody) (swarm.Record, error) {
	c := swarm.Command{Type: command.Type(b.Type), Value: b.Value, Total: b.Total, Note: b.Note}
	if !c.Type.Known() {
		return nil, fmt.Errorf("its command type %q is %w", b.Type, errNewer)
	}
	if b.Total != (b.Split != nil) || b.Total && len(b.Split) != len(b.Targets) {
		return nil, errors.New("its split does not match its targets")
	}
	leftOut, err := unpackLeftOut(b.LeftOut)
	if err != nil {
		return nil, err
	}
	var via *swarm.Via
	if v := b.Via; v != nil {
		via = &swarm.Via{Credential: v.Credential, RemoteAddr: v.RemoteAddr, RequestID: v.RequestID}
	}
	return &swarm.Issued{
		Node: b.Node, Submitter: b.Submitter, Command: c, Target: swarm.Target{
			DriverIDs: b.TargetIDs, Labels: b.Labels,
		},
		Targets: b.Targets, Deadline: time.Duration(b.DeadlineMS) * time.Millisecond,
		SubmittedAt: micros(b.SubmittedUS),
		Split:       b.Split, Cause: b.Cause, Key: b.Key, RequestHash: b.RequestHash, LeftOut: leftOut,
		Condition: unpackCondition(b), Via: via,
	}, nil
}

func unpackLeftOut(list []leftOutBody) (out []swarm.LeftOut, err error) {
	for _, l := range list {
		reason := swarm.LeftOutReason(l.Reason)
		if !slices.Contains(swarm.LeftOutReasons(), reason) {
			return nil, fmt.Errorf("its reason %q for leaving a driver out is %w", l.Reason, errNewer)
		}
		out = append(out, swarm.LeftOut{DriverID: l.DriverID, Reason: reason})
	}
	return out, nil
}

func unpackCondition(b *issuedBody) *swarm.Condition {
	if b.IfSeq == nil {
		return nil
	}
	c := &swarm.Condition{IfSeq: *b.IfSeq, Base: *b.IfSeq}
	if b.Base != nil {
		c.Base = *b.Base
	}
	return c
}

// letters are the verdict kinds as they are stored.
var letters = map[swarm.VerdictKind]byte{
	swarm.Acked: 'a', swarm.Rejected: 'r', swarm.Superseded: 's', swarm.Missing: 'm',
}

func packClosed(r *swarm.Closed) closedBody {
	b := closedBody{Seq: r.Seq, Node: r.Node, ClosedUS: r.ClosedAt.UnixMicro(), DurationUS: r.Duration.Microseconds()}
	kinds := make([]byte, len(r.Verdicts))
	for i, v := range r.Verdicts {
		kinds[i] = letters[v.Kind]
		switch v.Kind {
		case swarm.Acked:
			b.LatencyUS = append(b.LatencyUS, v.Latency.Microseconds())
		case swarm.Rejected:
			b.LatencyUS = append(b.LatencyUS, v.Latency.Microseconds())
			b.Rejections = append(b.Rejections, wordBody{v.Code, v.Detail})
		case swarm.Missing:
			b.Reasons = append(b.Reasons, slices.Index(swarm.Reasons(), v.Reason))
		case swarm.Superseded, swarm.Undecided:
		}
	}
	b.Kinds = string(kinds)
	return b
}

var errColumns = errors.New("its columns do not match each other")

func unpackClosed(b *closedBody) (swarm.Record, error) {
	r := &swarm.Closed{
		Seq: b.Seq, Node: b.Node, ClosedAt: micros(b.ClosedUS),
		Duration: time.Duration(b.DurationUS) * time.Microsecond,
		Verdicts: make([]swarm.Verdict, len(b.Kinds)),
	}
	latency, words, reasons := column[int64](b.LatencyUS), column[wordBody](b.Rejections), column[int](b.Reasons)
	ok := true
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		switch b.Kinds[i] {
		case 'a':
			v.Kind, v.Latency = swarm.Acked, time.Duration(latency.next(&ok))*time.Microsecond
		case 'r':
			w := words.next(&ok)
			v.Kind, v.Latency = swarm.Rejected, time.Duration(latency.next(&ok))*time.Microsecond
			v.Code, v.Detail = w.Code, w.Detail
		case 's':
			v.Kind = swarm.Superseded
		case 'm':
			v.Kind = swarm.Missing
			switch at := reasons.next(&ok); {
			case at >= len(swarm.Reasons()):
				return nil, fmt.Errorf("its reason %d for a missing ack is %w", at, errNewer)
			case at < 0:
				ok = false
			default:
				v.Reason = swarm.Reasons()[at]
			}
		default:
			return nil, fmt.Errorf("its verdict %q is %w", b.Kinds[i], errNewer)
		}
	}
	if !ok || len(latency)+len(words)+len(reasons) > 0 {
		return nil, errColumns
	}
	return r, nil
}

// column contains values that are read one by one, in order.
type column[T any] []T

func (c *column[T]) next(ok *bool) (v T) {
	if len(*c) == 0 {
		*ok = false
		return v
	}
	v, *c = (*c)[0], (*c)[1:]
	return v
}

func packLate(r *swarm.Late) lateBody {
	b := lateBody{Seq: r.Seq, Node: r.Node, AtUS: r.At.UnixMicro()}
	for _, a := range r.Acks {
		l := lateAck{DriverID: a.DriverID, LatencyUS: a.Latency.Microseconds()}
		if !a.Reply.Applied {
			l.Rejected = &wordBody{a.Reply.Code, a.Reply.Detail}
		}
		b.Acks = append(b.Acks, l)
	}
	return b
}

func unpackLate(b *lateBody) (swarm.Record, error) {
	r := &swarm.Late{Seq: b.Seq, Node: b.Node, At: micros(b.AtUS)}
	for _, l := range b.Acks {
		a := swarm.LateAck{DriverID: l.DriverID, Latency: time.Duration(l.LatencyUS) * time.Microsecond,
			Reply: swarm.Reply{Applied: true}}
		if l.Rejected != nil {
			a.Reply = swarm.Reply{Code: l.Rejected.Code, Detail: l.Rejected.Detail}
		}
		r.Acks = append(r.Acks, a)
	}
	return r, nil
}

func packReset(r *swarm.Reset) resetBody {
	b := resetBody{Node: r.Node, AtUS: r.At.UnixMicro(), Cause: r.Cause, LogID: r.LogID, Epoch: r.Epoch}
	for _, s := range r.Lost {
		b.Lost = append(b.Lost, [2]uint64{s.From, s.To})
	}
	return b
}

func unpackReset(b *resetBody) (swarm.Record, error) {
	r := &swarm.Reset{Node: b.Node, At: micros(b.AtUS), Cause: b.Cause, LogID: b.LogID, Epoch: b.Epoch}
	for _, s := range b.Lost {
		r.Lost = append(r.Lost, swarm.Span{From: s[0], To: s[1]})
	}
	return r, nil
}

func packExpired(r *swarm.Expired) expiredBody {
	return expiredBody{
		Node: r.Node, AtUS: r.At.UnixMicro(), Replaced: r.Replaced, TargetIDs: r.Target.DriverIDs,
		Labels: r.Target.Labels, Cause: r.Cause,
	}
}

func unpackExpired(b *expiredBody) (swarm.Record, error) {
	return &swarm.Expired{
		Node: b.Node, At: micros(b.AtUS), Replaced: b.Replaced,
		Target: swarm.Target{DriverIDs: b.TargetIDs, Labels: b.Labels}, Cause: b.Cause,
	}, nil
}

func micro(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

func micros(us int64) time.Time { return time.UnixMicro(us).UTC() }
