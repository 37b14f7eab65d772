package proctest

import (
	"fmt"
	"os/exec"
	"regexp"
	"time"
)

// Server is a server process.
type Server struct {
	*Process

	Addr string // the address on which it listens
}

var listening = regexp.MustCompile(`msg=listening addr=(\S+)`)

// StartServer starts a server by its command line, and waits until its log reports where it listens. The server opens
// its log on disk after that, and answers the first request only then. If it does not get that far, it has ended when
// StartServer returns an error.
func StartServer(cmd *exec.Cmd, patience time.Duration) (*Server, error) {
	p, err := Start(cmd)
	if err != nil {
		return nil, err
	}
	s := &Server{Process: p}
	listens := func(said string) bool {
		m := listening.FindStringSubmatch(said)
		if m != nil {
			s.Addr = m[1]
		}
		return m != nil
	}
	if !p.Err.Until(listens, p.Ended, patience) {
		p.Kill()
		return s, fmt.Errorf("the server ended with %d before it listened: %s", p.Code(), p.Err)
	}
	return s, nil
}

// URL returns the server's URL.
func (s *Server) URL() string { return "http://" + s.Addr }
