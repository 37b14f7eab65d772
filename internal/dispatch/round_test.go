package dispatch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/script"
)

// TestRoundScenarios plays testdata/*.txt. A scenario is blocks of lines, each followed by ---- and the result:
//
//	drivers a b! c?stale d=stop   members; ! is unresponsive, ?reason lost, =x,y lists capabilities
//	issue stop deadline=5s        opens a round
//	ack a [code]                  a reply; with a code a rejection
//	gone a reason · supersede a · stale a · advance 5s
func TestRoundScenarios(t *testing.T) {
	script.Files(t, "testdata/*.txt", func(t *testing.T, text string) string {
		return script.Play(&player{t: t, stale: map[string]bool{}}, text)
	})
}

// player drives a scenario: it has the clock that a round does not have.
type player struct {
	t        *testing.T
	members  []swarm.Member
	round    *round
	stale    map[string]bool
	now      time.Duration
	deadline time.Duration
	notes    []string
}

// Do implements script.Player.
func (p *player) Do(line string) {
	words := strings.Fields(line)
	p.t.Helper()
	switch words[0] {
	case "drivers":
		p.members = nil
		for _, w := range words[1:] {
			id, caps, limited := strings.Cut(w, "=")
			id, lost, _ := strings.Cut(id, "?")
			member := swarm.Member{
				DriverID: strings.TrimSuffix(id, "!"), Unresponsive: strings.HasSuffix(id, "!"),
				Lost: swarm.Reason(lost),
			}
			if limited {
				member.Capabilities = strings.Split(caps, ",")
			}
			p.members = append(p.members, member)
		}
	case "issue":
		p.now = 0
		p.deadline = p.duration(strings.TrimPrefix(words[2], "deadline="))
		p.round = newRound(p.members, command.Type(words[1]))
	case "ack":
		p.ack(words[1:])
	case "gone":
		p.note(p.round.settle(words[1], swarm.Verdict{Kind: swarm.Missing, Reason: swarm.Reason(words[2])}), words)
	case "supersede":
		p.note(p.round.settle(words[1], swarm.Verdict{Kind: swarm.Superseded}), words)
	case "stale":
		p.stale[words[1]] = true
	case "advance":
		p.advance(p.duration(words[1]))
	default:
		p.t.Fatalf("unknown line %q", words)
	}
}

func (p *player) ack(words []string) {
	reply := swarm.Reply{Applied: len(words) == 1}
	if !reply.Applied {
		reply.Code = words[1]
	}
	counted, before := p.round.answer(words[0], reply, p.now)
	if !counted {
		p.notes = append(p.notes, fmt.Sprintf("ack %s: not counted, verdict was %s", words[0], kindNames[before]))
	}
}

func (p *player) advance(by time.Duration) {
	if p.now += by; p.now >= p.deadline {
		p.round.expire(func(id string) swarm.Reason {
			if p.stale[id] {
				return swarm.ReasonStale
			}
			return swarm.ReasonDeadline
		})
	}
}

func (p *player) note(changed bool, words []string) {
	if !changed {
		p.notes = append(p.notes, strings.Join(words, " ")+": no change")
	}
}

func (p *player) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

var kindNames = map[swarm.VerdictKind]string{
	swarm.Undecided: "undecided", swarm.Acked: "acked", swarm.Rejected: "rejected", swarm.Superseded: "superseded",
	swarm.Missing: "missing",
}

// Report implements script.Player.
func (p *player) Report() string {
	var b strings.Builder
	for _, n := range p.notes {
		b.WriteString(n + "\n")
	}
	p.notes = nil
	state := "open"
	if p.round.done() {
		p.round.expire(unresponsive) // as a Call does when it waits for no more drivers
		state = string((&swarm.Closed{Verdicts: p.round.verdicts}).Status())
	}
	fmt.Fprintf(&b, "%s at %v\n", state, p.now)
	for i, v := range p.round.verdicts {
		fmt.Fprintf(&b, "  %s %s", p.round.targets[i], kindNames[v.Kind])
		switch v.Kind {
		case swarm.Acked:
			fmt.Fprintf(&b, " in %v", v.Latency)
		case swarm.Rejected:
			fmt.Fprintf(&b, " %s in %v", v.Code, v.Latency)
		case swarm.Missing:
			fmt.Fprintf(&b, " %s", v.Reason)
		case swarm.Undecided, swarm.Superseded:
		}
		b.WriteString("\n")
	}
	return b.String()
}
