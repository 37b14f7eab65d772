package proc

import (
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// children are the guards that this process has started. Any other child outside its own process group is an orphan of
// a killed guard.
var children = registry{guards: map[int]bool{}}

type registry struct {
	mu     sync.Mutex
	guards map[int]bool
	adopts bool
}

// start starts a guard. The lock keeps killOrphans from taking it for an orphan.
func (r *registry) start(cmd *exec.Cmd) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.adopts {
		// If this fails, orphans of a killed guard are out of reach; nothing else changes.
		r.adopts = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == nil
	}
	err := cmd.Start()
	if err == nil {
		r.guards[cmd.Process.Pid] = true
	}
	return err
}

// forget removes a guard that has ended and is reaped.
func (r *registry) forget(guard int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.guards, guard)
}

// sweep kills the processes that a dead guard left, and returns those that it could not kill.
func (r *registry) sweep(guard int) (left []entry) {
	const every, enough = 2 * time.Millisecond, 2 // a read of /proc may miss a process that has just started
	again := time.NewTicker(every)
	defer again.Stop()
	for until, clean := time.Now().Add(stuckAfter), 0; clean < enough; <-again.C {
		if left = r.killOrphans(guard); len(left) == 0 {
			clean++
			continue
		}
		if clean = 0; time.Now().After(until) {
			return left
		}
	}
	return nil
}

// killOrphans kills the orphans once, and returns those that it found.
func (r *registry) killOrphans(guard int) (found []entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := readTable()
	found = t.below(guard) // they may still be there until the kernel has reparented them
	for _, e := range t[os.Getpid()] {
		if r.guards[e.pid] || e.group == unix.Getpgrp() {
			continue
		}
		found = append(append(found, e), t.below(e.pid)...)
	}
	for _, e := range found {
		_ = e.signal(unix.SIGKILL)
		if e.parent == os.Getpid() {
			_, _ = unix.Wait4(e.pid, nil, unix.WNOHANG, nil) // nobody else waits for it
		}
	}
	return found
}
