package swarm

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/swarmcall/swarmcall/command"
)

func TestSupersedes(t *testing.T) {
	for _, c := range []struct {
		newer, older command.Type
		want         bool
	}{
		{command.SetPlayers, command.SetPlayers, true}, {command.SetPlayers, command.Stop, false},
		{command.SetPlayers, command.SetSpawnDelay, false},
		{command.Stop, command.SetPlayers, true}, {command.Stop, command.Stop, true},
		{command.Stop, command.SetSpawnDelay, false},
		{command.SetSpawnDelay, command.SetSpawnDelay, true}, {command.SetSpawnDelay, command.SetPlayers, false},
		{command.SetSpawnDelay, command.Stop, false},
	} {
		if got := (Command{Type: c.newer}).Supersedes(Command{Type: c.older}); got != c.want {
			t.Errorf("%s supersedes %s: got %v, want %v", c.newer, c.older, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("a", MaxIDBytes)
	for _, c := range []struct {
		name              string
		driver, submitter bool
	}{
		{"d-1", true, true}, {"A.b_c:d", true, true}, {"0", true, true}, {long, true, true},
		{"ci/nightly@host", false, true}, {"connect", false, true}, {"stream", false, true},
		{"", false, false}, {long + "a", false, false}, {"-d", false, false}, {".", false, false},
		{"a b", false, false},
		{"a\x00", false, false}, {"ä", false, false}, {"a\n", false, false}, {"../x", false, false},
		{"a\u202e", false, false},
	} {
		if got := ValidDriverID(c.name); got != c.driver {
			t.Errorf("ValidDriverID(%q) = %v", c.name, got)
		}
		if got := ValidSubmitter(c.name); got != c.submitter {
			t.Errorf("ValidSubmitter(%q) = %v", c.name, got)
		}
	}
}

func TestSubmissionValidate(t *testing.T) {
	good := func() Submission {
		return Submission{Submitter: "ci", Command: Command{Type: command.SetPlayers, Value: 1}, Deadline: time.Second}
	}
	for name, c := range map[string]struct {
		change   func(*Submission)
		pointers []string
	}{
		"good":         {func(*Submission) {}, nil},
		"zero players": {func(s *Submission) { s.Command.Value = 0 }, nil},
		"most players": {func(s *Submission) { s.Command.Value = command.MaxPlayers }, nil},
		"too many": {func(s *Submission) { s.Command.Value = command.MaxPlayers + 1 },
			[]string{"/command/players"}},
		"negative":     {func(s *Submission) { s.Command.Value = -1 }, []string{"/command/players"}},
		"unknown type": {func(s *Submission) { s.Command.Type = "explode" }, []string{"/command/type"}},
		"spawn delay": {func(s *Submission) { s.Command = Command{Type: command.SetSpawnDelay, Value: -1} },
			[]string{"/command/spawn_delay_ms"}},
		"long note": {func(s *Submission) { s.Command.Note = strings.Repeat("x", 257) },
			[]string{"/command/note"}},
		"control in note": {func(s *Submission) { s.Command.Note = "a\x1b[31m" }, []string{"/command/note"}},
		"no deadline":     {func(s *Submission) { s.Deadline = 0 }, []string{"/deadline_ms"}},
		"long deadline": {func(s *Submission) { s.Deadline = MaxDeadline + time.Millisecond },
			[]string{"/deadline_ms"}},
		"bad submitter": {func(s *Submission) { s.Submitter = "" }, []string{"/submitter"}},
		"bad id": {func(s *Submission) { s.Target.DriverIDs = []string{"ok", "-"} },
			[]string{"/target/driver_ids/1"}},
		"bad label": {func(s *Submission) { s.Target.Labels = map[string]string{"k": "\x00"} },
			[]string{"/target/labels/k"}},
		"two things": {func(s *Submission) { s.Submitter, s.MinDrivers = " ", -1 },
			[]string{"/submitter", "/min_drivers"}},
	} {
		s := good()
		c.change(&s)
		var got []string
		if err := s.Validate(); err != nil {
			for _, f := range err.(*Error).Fields { //nolint:errorlint // Validate promises this very type
				got = append(got, f.Pointer)
			}
		}
		if diff := cmp.Diff(c.pointers, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTargetMatchesAndOverlaps(t *testing.T) {
	eu, us := map[string]string{"region": "eu"}, map[string]string{"region": "us"}
	for _, c := range []struct {
		a, b     Target
		overlaps bool
	}{
		{Target{}, Target{}, true},
		{Target{Labels: eu}, Target{Labels: us}, false},
		{Target{Labels: eu}, Target{Labels: map[string]string{"size": "l"}}, true},
		{Target{DriverIDs: []string{"a"}}, Target{DriverIDs: []string{"b"}}, false},
		{Target{DriverIDs: []string{"a", "b"}}, Target{DriverIDs: []string{"b"}}, true},
		{Target{DriverIDs: []string{"a"}, Labels: eu}, Target{Labels: us}, false},
		{Target{DriverIDs: []string{"a"}}, Target{Labels: us}, true},
	} {
		if c.a.Overlaps(c.b) != c.overlaps || c.b.Overlaps(c.a) != c.overlaps {
			t.Errorf("%v and %v: want overlaps = %v", c.a, c.b, c.overlaps)
		}
	}
	both := Target{DriverIDs: []string{"a"}, Labels: eu}
	if !both.Matches("a", eu) || both.Matches("a", us) || both.Matches("b", eu) || both.Matches("a", nil) {
		t.Error("given both, a driver must satisfy both")
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		kinds []VerdictKind
		want  Status
	}{
		{[]VerdictKind{Acked, Acked}, Complete},
		{[]VerdictKind{Acked, Superseded}, SupersededStatus},
		{[]VerdictKind{Superseded}, SupersededStatus},
		{[]VerdictKind{Acked, Missing, Superseded}, Partial},
		{[]VerdictKind{Acked, Rejected}, Partial},
		{[]VerdictKind{Rejected, Missing}, Failed},
		{[]VerdictKind{Superseded, Missing}, Failed},
	} {
		closed := &Closed{}
		for _, k := range c.kinds {
			closed.Verdicts = append(closed.Verdicts, Verdict{Kind: k})
		}
		if got := closed.Status(); got != c.want {
			t.Errorf("%v: got %s, want %s", c.kinds, got, c.want)
		}
		n := Entry{Issued: &Issued{Targets: make([]string, len(c.kinds))}, Closed: closed}.Counts()
		if n.Targeted != n.Acked+n.Rejected+n.Superseded+n.Missing {
			t.Errorf("%v: counts %+v do not add up", c.kinds, n)
		}
	}
}

func TestErrorKeepsCodeAndCause(t *testing.T) {
	cause := Errorf(CodeInternal, "disk")
	err := &Error{Code: CodeLogUnavailable, Detail: "full", Cause: cause}
	if CodeOf(err) != CodeLogUnavailable || !strings.Contains(err.Error(), "disk") {
		t.Errorf("got %v", err)
	}
}
