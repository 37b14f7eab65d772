package logfile

import (
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestInvariants(t *testing.T) {
	acked := swarm.Verdict{Kind: swarm.Acked}
	for name, tc := range map[string]struct {
		records []swarm.Record
		lost    []swarm.Span
		want    string // of the first violation; "" for none
	}{
		"as promised": {[]swarm.Record{swarmtest.Issued("ci", "a", "b"), swarmtest.Closed(1, acked, acked),
			swarmtest.Late(1, "a")}, nil, ""},
		"still open": {[]swarm.Record{swarmtest.Issued("ci", "a")}, nil, ""},
		"closed twice": {[]swarm.Record{swarmtest.Issued("ci", "a"), swarmtest.Closed(1, acked),
			swarmtest.Closed(1, acked)}, nil, "record 3 is damaged: it closes entry 1"},
		"closed and unknown": {[]swarm.Record{swarmtest.Closed(7, acked)}, nil, "it closes entry 7"},
		"closed before": {[]swarm.Record{swarmtest.Closed(2, acked), swarmtest.Issued("ci", "a")}, nil,
			"it closes entry 2"},
		"a verdict missing": {[]swarm.Record{swarmtest.Issued("ci", "a", "b"), swarmtest.Closed(1, acked)}, nil,
			"2 targets, but 1 acked"},
		"a verdict too many": {[]swarm.Record{swarmtest.Issued("ci", "a"), swarmtest.Closed(1, acked, acked)}, nil,
			"1 targets, but 2 acked"},
		"undecided": {[]swarm.Record{swarmtest.Issued("ci", "a"), swarmtest.Closed(1, swarm.Verdict{})}, nil,
			"1 targets, but 0 acked"},
		"late and open": {[]swarm.Record{swarmtest.Issued("ci", "a"), swarmtest.Late(1, "a")}, nil,
			"not closed yet"},
		"its command lost": {[]swarm.Record{swarmtest.Stop("ci", "a"), swarmtest.Closed(7, acked)},
			[]swarm.Span{{From: 1, To: 1}}, "it closes entry 7"},
		"its outcome lost": {[]swarm.Record{nil, nil, nil, swarmtest.Closed(2, acked)},
			[]swarm.Span{{From: 2, To: 3}}, ""},
	} {
		var v Invariants
		for i, r := range tc.records {
			if r != nil {
				v.Take(Stored{Position: uint64(i) + 1, Record: r})
			}
		}
		got := v.Broken(tc.lost)
		switch {
		case tc.want == "" && len(got) > 0:
			t.Errorf("%s: %v", name, got[0])
		case tc.want != "" && (len(got) != 1 || !strings.Contains(got[0].Error(), tc.want)):
			t.Errorf("%s: %v, want one with %q", name, got, tc.want)
		}
	}
}
