package plan

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarmtest/script"
)

// TestScenarios plays testdata/*.txt against the fake server, in fake time. A scenario is blocks of lines, each
// followed by ---- and what was sent (→) and printed in that time:
//
//	drivers a b c                 begins a scenario with these active drivers
//	plan rejoin: 5s               a line of the plan's file
//	stage set: {players: 5}       a stage of it
//	run                           starts the plan
//	advance 5s                    lets time pass
//	lose|stale|deregister|forget|back|hang|wake|take a b
//	                              a driver is disconnected, stale, has deregistered, is unknown to the server, is
//	                              active, acks nothing, acks again, or runs a newer command of another submitter
//	on 2: hang b                  does so just before the plan's second command arrives
//	alice stop|set_players 3 [a]  another submitter commands all drivers, or these
//	reset · split                 the server resets the load to nothing, or splits a total again
//	unavailable · available · restart · log full · log nobody · older
//	                              the server: restart also while a command is open; the log is full, or contains
//	                              stops that match no driver; older: an older release
//	interrupt                     Ctrl-C; the second time, the command exits
func TestScenarios(t *testing.T) {
	script.Files(t, "testdata/*.txt", func(t *testing.T, text string) (got string) {
		synctest.Test(t, func(t *testing.T) {
			p := &player{t: t}
			got = script.Play(p, text)
			p.finish()
		})
		return got
	})
}

// player plays one scenario after the other.
type player struct {
	t           *testing.T
	swarm       *fakeSwarm
	plan        string
	stages      string
	began       time.Time
	runner      *Runner
	interrupt   context.CancelFunc
	ended       chan struct{}
	interrupted bool
	left        bool // a second Ctrl-C has ended the process
	hooks       map[int][]string
	sent        int

	mu   sync.Mutex
	mark int // length of out at the interruption
	out  []noted
}

// noted is a line of the report, and how often it was printed in a row.
type noted struct {
	text  string
	times int
}

// Write records what the run prints, line by line.
func (p *player) Write(b []byte) (int, error) {
	const interrupted = "stopping the load; a second Ctrl-C" // a goroutine prints it, at no fixed time
	if strings.HasPrefix(string(b), interrupted) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.out = slices.Insert(p.out, p.mark, noted{strings.TrimSuffix(string(b), "\n"), 1})
		return len(b), nil
	}
	p.note("%s", string(b))
	return len(b), nil
}

func (p *player) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left {
		return
	}
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		line = strings.TrimSuffix(line, "\n")
		if n := len(p.out) - 1; n >= 0 && p.out[n].text == line {
			p.out[n].times++
		} else {
			p.out = append(p.out, noted{line, 1})
		}
	}
}

// Report implements script.Player: it returns what was sent and printed in a block.
func (p *player) Report() string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "at %v\n", time.Since(p.began))
	for _, l := range p.out {
		b.WriteString("  " + l.text)
		if l.times > 1 {
			fmt.Fprintf(&b, " (%d times)", l.times)
		}
		b.WriteString("\n")
	}
	p.out = nil
	return b.String()
}

// finish waits for the run to end, so that it does not continue in the next scenario.
func (p *player) finish() {
	if p.ended != nil {
		p.interrupt()
		<-p.ended
	}
}

// Do implements script.Player.
func (p *player) Do(line string) {
	p.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	words := strings.Fields(rest)
	switch verb {
	case "drivers":
		p.finish()
		*p = player{t: p.t, swarm: newSwarm(p.t, 0), began: time.Now(), hooks: map[int][]string{}}
		p.swarm.before, p.swarm.sent = p.arrives, p.note
		for _, id := range words {
			p.swarm.drivers[id] = &fakeDriver{state: "active"}
		}
	case "plan":
		p.plan += rest + "\n"
	case "stage":
		p.stages += "- " + rest + "\n"
	case "run":
		p.run()
	case "advance":
		d, err := time.ParseDuration(rest)
		if err != nil {
			p.t.Fatal(err)
		}
		<-time.After(d)
	case "on":
		at, what, _ := strings.Cut(rest, ": ")
		n, _ := strconv.Atoi(at)
		p.hooks[n] = append(p.hooks[n], what)
	case "interrupt":
		if p.interrupted {
			p.runner.LastWord()
			p.note("(left)")
			p.left = true
		}
		p.mu.Lock()
		p.interrupted, p.mark = true, len(p.out)
		p.mu.Unlock()
		p.interrupt()
	default:
		p.swarm.mu.Lock()
		defer p.swarm.mu.Unlock()
		p.happen(verb, words)
	}
}

// arrives runs the hooks of a command of the plan, before the server handles the command.
func (p *player) arrives(*fakeSwarm, *fakeEntry) error {
	if p.interrupted {
		<-time.After(time.Millisecond) // so that the goroutine that reports the interruption runs before the stop
	}
	p.sent++
	for _, what := range p.hooks[p.sent] {
		words := strings.Fields(what)
		p.happen(words[0], words[1:])
	}
	return nil
}

// happen changes the server or its drivers, under its lock.
func (p *player) happen(verb string, words []string) {
	p.t.Helper()
	s := p.swarm
	states := map[string]string{
		"lose": "disconnected", "stale": "stale", "deregister": "left", "forget": "", "back": "active",
	}
	if state, ok := states[verb]; ok {
		for _, id := range words {
			s.be(state, id)
		}
		return
	}
	switch verb {
	case "hang", "wake":
		for _, id := range words {
			s.drivers[id].mute = verb == "hang"
			s.settle(id)
		}
	case "take":
		for _, id := range words {
			s.drivers[id].taken = true
		}
	case "alice":
		e := &fakeEntry{
			Submitter: "ops/alice", Command: remote.Command{Type: "stop"}, Target: remote.Target{DriverIDs: words[1:]},
		}
		if words[0] == "set_players" {
			n, _ := strconv.ParseInt(words[1], 10, 64)
			e.Command, e.Target.DriverIDs = remote.Command{Type: command.SetPlayers, Value: n}, words[2:]
		}
		s.issue(e)
	case "reset":
		s.issue(&fakeEntry{Command: remote.Command{Type: "stop"}, Cause: "reset"})
	case "split":
		e := *s.entries[0]
		e.Cause, e.Targets = "split again: lost c", nil
		s.issue(&e)
	case "unavailable", "available":
		s.down = verb == "unavailable"
	case "log":
		s.full, s.logs = words[0] == "full", words[0] == "nobody"
	case "older":
		s.older = true
	case "restart":
		s.restart = true
	default:
		p.t.Fatalf("unknown line %q", verb)
	}
}

func (p *player) run() {
	parsed, err := Parse([]byte(p.plan + "stages:\n" + p.stages))
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := remote.Dial(remote.Config{
		URL: "http://swarm", HTTP: p.swarm, Patience: remote.Patience{For: time.Minute},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	r := &Runner{Plan: parsed, Server: c, Line: console.NewLine(p), Submitter: "ci", ID: "run-x"}
	p.began, p.interrupt, p.ended, p.runner = time.Now(), cancel, make(chan struct{}), r
	go func(ended chan struct{}) { // finish waits for it
		defer close(ended)
		steps, err := r.Run(ctx)
		for _, s := range steps {
			if s.Err != nil {
				p.note("report: %s: exit %d", s.Name, clierr.CodeOf(s.Err))
			}
		}
		p.note("exit %d", clierr.CodeOf(err))
		if err != nil {
			p.note("%s", clierr.Text(err))
		}
	}(p.ended)
}
