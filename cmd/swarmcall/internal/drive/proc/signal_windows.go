package proc

import (
	"os"
	"os/exec"
)

func bind(*exec.Cmd) {}

func terminate(p *os.Process) { kill(p) } // there is no way to ask

func kill(p *os.Process) { _ = p.Kill() } // fails when it has ended, as is wanted
