package swarm

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// TestSecretsAreRefused puts a token into each text of a submission.
func TestSecretsAreRefused(t *testing.T) {
	const secret = "swc_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	good := func() Submission {
		return Submission{Submitter: "ci", Command: command.Command{Type: command.Stop}, Deadline: time.Second}
	}
	for pointer, spoil := range map[string]func(*Submission){
		"/submitter":         func(s *Submission) { s.Submitter = secret },
		"/command/note":      func(s *Submission) { s.Command.Note = "my token is " + secret + "." },
		"/target/labels":     func(s *Submission) { s.Target.Labels = map[string]string{"a": secret} },
		"/target/driver_ids": func(s *Submission) { s.Target.DriverIDs = []string{"d-1", secret} },
		"":                   func(s *Submission) { s.Key, s.RequestHash = secret, make([]byte, 32) },
	} {
		s := good()
		spoil(&s)
		err, _ := s.Validate().(*Error) //nolint:errorlint // its own type
		if err == nil || len(err.Fields) != 1 || err.Fields[0].Pointer != pointer || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", pointer, err)
		}
	}
	if ValidDriverID(secret) || ValidDriverID("d."+secret) || !ValidDriverID("swc_1") {
		t.Error("a driver id may be a token")
	}
	s := good()
	if s.Command.Note = "swc_ is the prefix of tokens"; s.Validate() != nil {
		t.Error("the prefix alone is refused")
	}
	if got := MaskSecrets("a " + secret + " b"); got != "a swc_*** b" {
		t.Errorf("masked: %q", got)
	}
	if got := MaskSecrets("cannot read whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD/="); got != "cannot read whsec_***" {
		t.Errorf("masked: %q", got)
	}
}
