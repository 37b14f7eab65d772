package proc

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Process is a started process.
type Process struct {
	name  string
	job   *job
	words *words
	ended chan struct{}
	err   error // read it after ended
}

// Streams are the standard streams of a process. What it writes to stderr is also kept for errors.
type Streams struct {
	Stdin  io.Reader
	Stdout io.Writer // nil: as Stderr
	Stderr io.Writer
}

// killSlack is how long a process may take to end after it was killed: it may be a tree of many processes on a busy
// machine.
const killSlack = 15 * time.Second

// Start starts argv.
func Start(argv []string, s Streams) (*Process, error) {
	p := &Process{name: argv[0], words: &words{to: s.Stderr}, ended: make(chan struct{})}
	s.Stderr = p.words
	if s.Stdout == nil {
		s.Stdout = p.words
	}
	var err error
	if p.job, err = start(argv, s); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", p.name, err)
	}
	go func() { // ends with the process
		p.err = &Error{Name: p.name, How: p.job.wait(), Words: p.words.last()}
		close(p.ended)
	}()
	return p, nil
}

// Ended is closed when the process and its descendants have ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err describes how the process ended, after Ended.
func (p *Process) Err() error { return p.err }

// Failure returns Err, or nil for a process that ended with exit status 0.
func (p *Process) Failure() error {
	if e, ok := errors.AsType[*Error](p.err); ok && e.How == success {
		return nil
	}
	return p.err
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.job.pid }

// Terminate asks the process to end, and kills it and its descendants after patience.
func (p *Process) Terminate(patience time.Duration) {
	if !p.within(0) {
		p.job.end(patience)
	}
}

// Kill kills the process and its descendants at once, and waits.
func (p *Process) Kill() {
	if p.within(0) {
		return
	}
	p.job.kill()
	if !p.within(killSlack) {
		p.job.force()
		<-p.ended
	}
}

// Close asks the process to end, kills it and its descendants after patience, and waits.
func (p *Process) Close(patience time.Duration) {
	p.Terminate(patience)
	if !p.within(patience + leftoverGrace + time.Second) {
		p.Kill()
	}
}

// within waits for the end for at most d, and reports whether the process has ended.
func (p *Process) within(d time.Duration) bool {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-p.ended:
		return true
	default:
	}
	select {
	case <-p.ended:
		return true
	case <-late.C:
		return false
	}
}

// success is the result of a process that ended without an error.
const success = "exit status 0"

// Error describes how a process ended.
type Error struct {
	Name  string
	How   string   // "exit status 107", "signal: killed"
	Words []string // the last lines it wrote
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s ended: %s", e.Name, e.How)
	if len(e.Words) > 0 {
		text += "; its last line: " + strings.TrimSpace(e.Words[len(e.Words)-1])
	}
	return text
}

// Seen returns its last lines.
func (e *Error) Seen() []string { return e.Words }
