package proc

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Process is a process that was started.
type Process struct {
	name  string
	cmd   *exec.Cmd
	words *words
	ended chan struct{}
	err   error // read it after ended
}

// Streams are what a process is given beyond its arguments. What it writes to stderr is kept as its last words, too.
type Streams struct {
	Stdin  io.Reader
	Stdout io.Writer // nil: as Stderr
	Stderr io.Writer
}

// Start starts argv.
func Start(argv []string, s Streams) (*Process, error) {
	p := &Process{name: argv[0], words: &words{to: s.Stderr}, ended: make(chan struct{})}
	// Not by a context: its end would kill, and a generator is to be asked first.
	p.cmd = exec.CommandContext(context.Background(), argv[0], argv[1:]...) //nolint:gosec // to start what the user names is the purpose
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = s.Stdin, p.words, p.words
	if s.Stdout != nil {
		p.cmd.Stdout = s.Stdout
	}
	p.cmd.WaitDelay = time.Second // a grandchild may hold the pipes
	bind(p.cmd)
	started := make(chan error)
	go p.own(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", p.name, err)
	}
	return p, nil
}

// own starts the process and waits for it on one thread: for Linux a parent is a thread, and its death is the child's.
func (p *Process) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = &Error{Name: p.name, How: how(p.cmd.Wait()), Words: p.words.last()}
	close(p.ended)
}

func how(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err says how it ended, after Ended.
func (p *Process) Err() error { return p.err }

// Pid returns its number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Kill ends it, and what it has started, at once, and waits.
func (p *Process) Kill() {
	kill(p.cmd.Process)
	<-p.ended
}

// Close asks it to end, kills it after patience, and waits.
func (p *Process) Close(patience time.Duration) {
	terminate(p.cmd.Process)
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-late.C:
	}
	p.Kill() // also what it may have left behind
}

// Error says how a process ended.
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
