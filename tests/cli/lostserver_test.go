package cli

import (
	"syscall"
	"testing"
)

// openPlan is a plan whose first step stays open while a driver does not ack.
const openPlan = "deadline: 60s\nstages: [{set: {players: 1}}]"

// TestAServerIsLostWhileACommandIsOpen: the server has the command, so the outcome is open, which is exit code 7.
func TestAServerIsLostWhileACommandIsOpen(t *testing.T) {
	for name, args := range map[string][]string{
		"players set": {"players", "set", "1", "--deadline", "60s"},
		"run":         {"run", planFile(t, openPlan)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, drivers := newWorld(t, "d-1")
			drivers["d-1"].set("hold")
			p := swarmcall(t, s.url(), append(args, "--debug", "--retry-for", "1s")...)
			p.says("202 Accepted")
			if err := s.end(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			p.code(7)
			p.says("trying again in")
			p.says("the outcome of entry 2 is still open")
			if name == "run" {
				p.says("THE LOAD MAY STILL BE RUNNING")
			} else {
				p.says("swarmcall commands show 2")
			}
		})
	}
}

// TestAServerReturnsWhileACommandIsOpen, within the time for retries: it has closed the entry, and its outcome is read.
// TestPlanThroughARestartInMidCommand is the same for a run.
func TestAServerReturnsWhileACommandIsOpen(t *testing.T) {
	s, drivers := newWorld(t, "d-1")
	drivers["d-1"].set("hold")
	p := swarmcall(t, s.url(), "players", "set", "1", "--deadline", "60s", "--debug", "--retry-for", "2m",
		"--allow-missing", "1")
	p.says("202 Accepted")
	if err := s.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.says("trying again in")
	drivers["d-1"].set("")
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	p.code(0)
	p.says("1 missing")
	sameLog(t, s.url(), "players 1")
	if !drivers["d-1"].until("players 1") {
		t.Error("the driver does not get the command when it reconnects")
	}
}
