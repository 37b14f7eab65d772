package acceptance

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestWhoIsConcerned tests the six cases of docs/rules.md: a run of one team on region=eu, with one entry, and the
// commands of another team before the next step of the run.
func TestWhoIsConcerned(t *testing.T) {
	page, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	const eu = `{"labels":{"region":"eu"}}`
	step := func(ifSeq uint64) string {
		const body = `{"submitter":"a","command":{"type":"set_players","players":6},"target":%s,"if_seq":%d}`
		return fmt.Sprintf(body, eu, ifSeq)
	}
	theirs := func(what, target string) string {
		return fmt.Sprintf(`{"submitter":"b","command":{"type":%q},"target":%s}`, what, target)
	}
	for name, play := range map[string]func(t *testing.T, s *server, ours uint64){
		"other drivers": func(t *testing.T, s *server, ours uint64) {
			s.send(t, theirs("stop", `{"labels":{"team":"b"}}`))
			if a := s.send(t, step(ours)); a.Code != "" {
				t.Errorf("%+v", a)
			}
		},
		"a shared driver": func(t *testing.T, s *server, ours uint64) {
			s.send(t, theirs("stop", `{"driver_ids":["eu-1"]}`))
			if a := s.send(t, step(ours)); a.Code != "newer_command" {
				t.Errorf("%+v", a)
			}
		},
		"a Stop for all": func(t *testing.T, s *server, ours uint64) {
			s.send(t, theirs("stop", `{}`))
			if a := s.send(t, step(ours)); a.Code != "newer_command" {
				t.Errorf("%+v", a)
			}
		},
		"a Stop for no driver": func(t *testing.T, s *server, ours uint64) {
			a := s.send(t, theirs("stop", `{"labels":{"zone":"eu"}}`))
			if a.Code != "" && a.Code != "no_active_drivers" || a.Counts["targeted"] != 0 {
				t.Errorf("%+v", a)
			}
			if a := s.send(t, step(ours)); a.Code != "" {
				t.Errorf("%+v", a)
			}
		},
		"a driver of both, before the step": func(t *testing.T, s *server, ours uint64) {
			s.send(t, theirs("stop", `{"labels":{"team":"b"}}`))
			s.connectWith(t, "x", map[string]string{"region": "eu", "team": "b"})
			if a := s.send(t, step(ours)); a.Code != "newer_command" {
				t.Errorf("%+v", a)
			}
		},
		"a driver of both, after the step": func(t *testing.T, s *server, ours uint64) {
			other := s.send(t, theirs("stop", `{"labels":{"team":"b"}}`)).Seq
			next := s.send(t, step(ours))
			x := s.connectWith(t, "x", map[string]string{"region": "eu", "team": "b"})
			later := s.send(t, step(next.Seq))
			s.untilState(t, "all do as they are told", func(a stateAnswer) bool { return a.Counts.Converged == 3 })
			if got := x.Applied(); next.Code != "" || !slices.Equal(later.leftOut(), []string{"x other_run"}) ||
				len(got) != 1 || got[0].Seq != other {
				t.Errorf("next %+v, later %+v, x was told %v", next, later, got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(string(page), "| "+name+" |") {
				t.Errorf("docs/rules.md does not have the case %q", name)
			}
			s := startServer(t, nil)
			s.connectWith(t, "eu-1", map[string]string{"region": "eu"})
			s.connectWith(t, "b-1", map[string]string{"team": "b"})
			ours := s.send(t, `{"submitter":"a","command":{"type":"set_players","players":5},"target":`+eu+`}`)
			play(t, s, ours.Seq)
		})
	}
}
