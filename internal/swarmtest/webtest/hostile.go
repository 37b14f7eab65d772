package webtest

import (
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Payloads are texts that would run, break out or mislead if a page treated them as more than text.
var Payloads = map[string]string{
	"script":    `<script>window.pwned=1</script>`,
	"image":     `<img src=x onerror="window.pwned=1">`,
	"attribute": `" autofocus onfocus="window.pwned=1" x="`,
	"single":    `' onmouseover='window.pwned=1`,
	"svg":       `</title></svg><svg onload="window.pwned=1">`,
	"textarea":  `</textarea></pre></option></select><iframe srcdoc="<script>parent.pwned=1</script>">`,
	"comment":   `--><b id=injected>`,
	"url":       `javascript:window.pwned=1`,
	"template":  `${window.pwned=1}{{constructor.constructor('window.pwned=1')()}}`,
	"shell":     `'; touch /tmp/pwned; '`,
	"sse":       "x\n\nevent: reset\ndata: {}\n\n",
	"bidi":      "\u202egpj.exe\u2066",
	"embedded":  "\u202a\u202b\u202c\u202d\u2067\u2068\u2069",
	"marks":     "\u200e\u200f\u061c",
	"flag":      "--verbose",
	"clobber":   `<form id=main><input name=attributes>`,
}

// Hostile returns a swarm in which every text from outside is the payload. Even texts that validation refuses today
// must be harmless, because a page must not trust the log.
func Hostile(payload string) *Swarm {
	labels := map[string]string{payload: payload}
	d := swarm.Driver{
		ID: payload, State: swarm.DriverState(payload), Labels: labels, Version: payload,
		Capabilities: []string{payload}, RemoteAddr: payload,
		ConnectedAt: Now, Metrics: map[string]float64{payload: 1}, LastAck: &swarm.LastAck{Seq: 1},
	}
	hostile := swarm.Command{Type: command.Type(payload), Note: payload}
	issued := &swarm.Issued{
		Node: payload, Submitter: payload, Command: hostile,
		Target:  swarm.Target{DriverIDs: []string{payload, payload}, Labels: labels},
		Targets: []string{payload}, Deadline: time.Second, SubmittedAt: Now,
	}
	late := []swarm.LateAck{{DriverID: payload, Reply: swarm.Reply{Code: payload, Detail: payload}}}
	closed := func(v swarm.Verdict) *swarm.Closed {
		return &swarm.Closed{Node: payload, ClosedAt: Now, Verdicts: []swarm.Verdict{v}}
	}
	stop := *issued
	stop.Targets, stop.Target.DriverIDs, stop.Command.Type = nil, nil, command.Stop
	left := *issued
	left.LeftOut = []swarm.LeftOut{{DriverID: payload, Reason: swarm.LeftOutReason(payload)}}
	s := NewSwarm([]swarm.Driver{d}, []swarm.Entry{
		{Seq: 4, Issued: &stop, Closed: &swarm.Closed{Node: payload, ClosedAt: Now}},
		{Seq: 3, Issued: &left, Closed: closed(swarm.Verdict{Kind: swarm.Acked})},
		{Seq: 2, Issued: issued, Late: late,
			Closed: closed(swarm.Verdict{Kind: swarm.Rejected, Code: payload, Detail: payload})},
		{Seq: 1, Issued: issued, Late: late,
			Closed: closed(swarm.Verdict{Kind: swarm.Missing, Reason: swarm.Reason(payload)})},
	})
	s.SetNodes(swarm.Node{
		NodeID: swarm.NodeID{Name: payload, Instance: payload}, Version: payload, Address: payload, Self: true,
	})
	s.Reached.InUse = swarm.InUse{Labels: map[string][]string{payload: {payload}}, DriverIDs: []string{payload}}
	return s
}
