package report

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Time     string   `xml:"time,attr"`
	Suites   []suite  `xml:"testsuite"`
}

type suite struct {
	Name      string     `xml:"name,attr"`
	Tests     int        `xml:"tests,attr"`
	Failures  int        `xml:"failures,attr"`
	Errors    int        `xml:"errors,attr"`
	Skipped   int        `xml:"skipped,attr"`
	Time      string     `xml:"time,attr"`
	Timestamp string     `xml:"timestamp,attr"`
	Props     *props     `xml:"properties"`
	Cases     []testCase `xml:"testcase"`
}

type props struct {
	List []prop `xml:"property"`
}

type prop struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testCase struct {
	Name      string   `xml:"name,attr"`
	Classname string   `xml:"classname,attr"`
	Time      string   `xml:"time,attr"`
	Failure   *failure `xml:"failure"`
	Error     *failure `xml:"error"`
	Skipped   *skipped `xml:"skipped"`
	Output    string   `xml:"system-out,omitempty"`
}

type skipped struct {
	Message string `xml:"message,attr"`
}

type failure struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
}

// junit makes a suite of each command, with a case per driver and one for the command itself, which fails with the exit
// code. Allowed missing drivers are skipped, and so is a command whose outcome was not waited for: neither counts as
// passed.
func (r Report) junit() ([]byte, error) {
	all := suites{Name: clean(r.Name), Time: seconds(r.Took.Seconds())}
	steps := r.Steps
	if len(steps) == 0 {
		steps = []Step{{Name: r.Name, Err: r.Err}}
	}
	for _, s := range steps {
		one := s.suite(r.Began)
		all.Tests, all.Failures, all.Errors = all.Tests+one.Tests, all.Failures+one.Failures, all.Errors+one.Errors
		all.Skipped += one.Skipped
		all.Suites = append(all.Suites, one)
	}
	b, err := xml.MarshalIndent(all, "", "  ")
	return append([]byte(xml.Header), append(b, '\n')...), err
}

func (s Step) suite(began time.Time) suite {
	e := s.Entry.Value
	one := suite{Name: clean(s.title()), Timestamp: began.UTC().Format("2006-01-02T15:04:05")}
	if e.Seq > 0 {
		one.Timestamp = e.SubmittedAt.UTC().Format("2006-01-02T15:04:05")
		one.Props = &props{
			[]prop{{"seq", fmt.Sprint(e.Seq)}, {"idempotency_key", clean(s.Key)}, {"submitter", clean(e.Submitter)},
				{"status", string(e.Status)}},
		}
	}
	if e.DurationMs != nil {
		one.Time = seconds(*e.DurationMs / 1000)
	} else {
		one.Time = seconds(0)
	}
	one.Cases = append(s.drivers(), s.itself())
	for _, c := range one.Cases {
		one.Tests++
		if c.Failure != nil {
			one.Failures++
		}
		if c.Error != nil {
			one.Errors++
		}
		if c.Skipped != nil {
			one.Skipped++
		}
	}
	return one
}

// itself returns the case of the command.
func (s Step) itself() testCase {
	c := testCase{Name: "outcome", Classname: clean(s.title()), Time: seconds(0)}
	if said := s.verdict(); said != "" {
		c.Output = clean(said + "\n" + strings.Join(s.blamed(), "\n"))
	}
	if s.Open && s.Err == nil {
		c.Skipped = &skipped{unknown}
	}
	if s.Err != nil {
		c.Error = &failure{fmt.Sprintf("exit %d", clierr.CodeOf(s.Err)), clean(s.Err.Error())}
	}
	return c
}

// drivers returns the cases of the drivers. An allowed missing driver is neither a failure nor a success.
func (s Step) drivers() []testCase {
	e, class := s.Entry.Value, clean(s.title())
	var cases []testCase
	add := func(id string, ms float64) *testCase {
		cases = append(cases, testCase{Name: clean(id), Classname: class, Time: seconds(ms / 1000)})
		return &cases[len(cases)-1]
	}
	if e.Acked != nil {
		for _, a := range *e.Acked {
			add(a.DriverId, a.LatencyMs)
		}
	}
	for _, r := range e.Rejected {
		add(r.DriverId, r.LatencyMs).Failure = &failure{"rejected", clean(r.Code + ": " + r.Detail)}
	}
	allowed := s.Allow.Covers(s.missing())
	missing := func(id, reason string) {
		c := add(id, 0)
		if allowed {
			c.Skipped = &skipped{clean("not acked in time, which is allowed: " + reason)}
		} else {
			c.Failure = &failure{"missing", clean(reason)}
		}
	}
	for _, m := range e.Missing {
		missing(m.DriverId, string(m.Reason))
	}
	for _, l := range remote.LeftOut(e) {
		missing(l.DriverId, "left out: "+string(l.Reason))
	}
	for _, id := range s.Lost {
		missing(id, lostReason)
	}
	for _, id := range remote.Elsewhere(e) {
		add(id, 0).Skipped = &skipped{"a newer command by another submitter holds for it"}
	}
	for _, x := range e.Superseded {
		add(x.DriverId, 0).Failure = &failure{"superseded", "a newer command arrived first"}
	}
	return cases
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }

// clean replaces characters that XML cannot hold, escaped or not.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || (r >= 0x20 && r != 0xfffe && r != 0xffff && r != utf8.RuneError && r != 0x7f) {
			return r
		}
		return '?'
	}, s)
}
