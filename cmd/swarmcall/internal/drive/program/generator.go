package program

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
	"github.com/swarmcall/swarmcall/driver"
)

// Codes of rejections that are not the program's own.
const (
	codeNoAnswer = "no_answer"     // neither ack nor reject in time
	codeDeaf     = "does_not_read" // its stdin is full, or closed
	codeRejected = "rejected"      // the program gave no code
)

// endTimeout bounds how long a program may take to end after its stdin was closed, and again after SIGTERM.
const endTimeout = 2 * time.Second

// Generator is a running program.
type Generator struct {
	*drive.Supervisor
	log   *slog.Logger
	stdin *os.File

	mu      sync.Mutex
	lastID  uint64
	waiting map[uint64]chan report // by the id of the command; at most one, because Apply runs one at a time
	state   driver.State
	tells   bool // the program reports its players, so acks no longer set them
	figures map[string]float64
}

// Start starts argv. Its stderr goes to out.
func Start(argv []string, out io.Writer, log *slog.Logger) (*Generator, error) {
	ours, its, err := stdin()
	if err != nil {
		return nil, err
	}
	g := &Generator{log: log, stdin: ours, waiting: map[uint64]chan report{}}
	lines := &splitter{
		line: g.line,
		long: func() { log.Warn("ignored a line of the program: too long", "limit_bytes", maxLine) },
	}
	process, err := proc.Start(argv, proc.Streams{Stdin: its, Stdout: lines, Stderr: out})
	_ = its.Close()
	if err != nil {
		_ = ours.Close()
		e := &clierr.Error{Code: clierr.Failed, What: "cannot start the program", Cause: err}
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			e.Code = clierr.Usage
		}
		return nil, e
	}
	g.Supervisor = drive.Supervise(process, endTimeout)
	return g, nil
}

// stdin makes a pipe to the program. Writes to it can have a deadline, because the program may not read.
func stdin() (ours, its *os.File, err error) {
	its, ours, err = os.Pipe()
	return ours, its, err
}

// Apply sends c to the program, and returns its answer. If the program does not ack a Stop in time, Apply kills it.
func (g *Generator) Apply(ctx context.Context, c driver.Command) error {
	ctx, cancel := drive.Patience(ctx, c)
	defer cancel()
	answer, err := g.ask(ctx, c)
	if err == nil && answer.Type == typeReject {
		err = driver.Reject(cmp.Or(answer.Code, codeRejected), answer.Detail)
	}
	if err == nil {
		g.applied(c)
		return nil
	}
	if c.Type != driver.Stop {
		return err
	}
	g.log.Error("the program did not stop; killing it", "error", err)
	g.Kill()
	return nil // no load runs
}

// ask sends c and waits for the answer.
func (g *Generator) ask(ctx context.Context, c driver.Command) (report, error) {
	id, answer := g.expect()
	defer g.forget(id)
	until, _ := ctx.Deadline() // Patience has set it
	line, err := json.Marshal(orderOf(id, c, time.Until(until).Milliseconds()))
	if err != nil {
		return report{}, err
	}
	_ = g.stdin.SetWriteDeadline(until) // a pipe supports it
	if _, err := g.stdin.Write(append(line, '\n')); err != nil {
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			g.awaitEnd(ctx) // the pipe has no reader: how the program ended is more informative
		}
		return report{}, driver.Reject(codeDeaf, "the program does not read its stdin: "+err.Error())
	}
	select {
	case r := <-answer:
		return r, nil
	case <-ctx.Done():
		return report{}, driver.Reject(codeNoAnswer,
			fmt.Sprintf("the program did not answer %s with id %d in time", c.Type, id))
	}
}

// awaitEnd waits until the end of the program is known. That is after the end of its descendants, which have a time of
// their own to end and are then killed.
func (g *Generator) awaitEnd(ctx context.Context) {
	late := time.NewTimer(2 * endTimeout)
	defer late.Stop()
	select {
	case <-g.Ended():
	case <-ctx.Done():
	case <-late.C:
	}
}

func (g *Generator) expect() (id uint64, answer <-chan report) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lastID++
	c := make(chan report, 1)
	g.waiting[g.lastID] = c
	return g.lastID, c
}

func (g *Generator) forget(id uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, id)
}

// line handles a line of the program.
func (g *Generator) line(text []byte) {
	r, err := reportOf(text)
	if err != nil {
		g.log.Warn("ignored an invalid line of the program", "line", fmt.Sprintf("%.200s", text), "error", err)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Type == typeState {
		g.reported(r)
		return
	}
	answer, ok := g.waiting[r.ID]
	if !ok {
		g.log.Warn("ignored an answer of the program to a command that is not pending: too late, or answered "+
			"twice", "id", r.ID)
		return
	}
	delete(g.waiting, r.ID)
	answer <- r // does not block: buffered
}

// reported stores a state report, which overrides what acks imply. The caller holds the lock.
func (g *Generator) reported(r report) {
	if r.Players != nil {
		g.state.Players, g.tells = *r.Players, true
	}
	if r.SpawnDelayMS != nil {
		g.state.SpawnDelayMS = *r.SpawnDelayMS
	}
	if r.Metrics != nil {
		g.figures = r.Metrics
	}
}

// applied stores the state that an ack implies. A ramp takes longer; programs with a ramp report their players.
func (g *Generator) applied(c driver.Command) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.state
	if g.state = g.state.After(c.Command()); g.tells && c.Type != driver.Stop {
		g.state.Players = was.Players
	}
}

// State returns what the program last reported or acked.
func (g *Generator) State() driver.State {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.state
	s.Running = s.Players > 0
	return s
}

// Metrics returns what the program last reported.
func (g *Generator) Metrics() map[string]float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.figures
}

// Close ends the program. It first closes the program's stdin.
func (g *Generator) Close() {
	_ = g.stdin.Close()
	late := time.NewTimer(endTimeout)
	defer late.Stop()
	select {
	case <-g.Ended():
	case <-late.C:
	}
	g.Supervisor.Close()
}
