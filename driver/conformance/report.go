package conformance

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Status is the result of checking a duty.
type Status string

// The statuses.
const (
	Pass     Status = "pass"
	Fail     Status = "fail"
	NotTried Status = "not tried"
)

// Result is the finding about one duty.
type Result struct {
	Duty   Duty
	Status Status
	Why    string
}

// Report is the outcome of a check: one result for each duty, in order.
type Report struct {
	DriverID string
	Took     time.Duration
	Results  []Result
}

// enough is the number of characters shown of a passed duty's details.
const enough = 100

// OK reports whether no duty failed, and at least one was tried.
func (r Report) OK() bool { return r.count(Fail) == 0 && r.count(Pass) > 0 }

func (r Report) count(s Status) (n int) {
	for _, result := range r.Results {
		if result.Status == s {
			n++
		}
	}
	return n
}

// Of returns the result for d.
func (r Report) Of(d Duty) Result { return r.Results[d-1] }

// String formats the report for a terminal, one line per duty. Details of passed duties may be truncated.
func (r Report) String() string {
	var b strings.Builder
	for _, result := range r.Results {
		status, why := string(result.Status), result.Why
		if result.Status == Fail {
			status = "FAIL"
		} else if words := []rune(why); len(words) > enough {
			why = string(words[:enough-1]) + "…"
		}
		fmt.Fprintf(&b, "D%-3d %-10s %-22s %s\n", result.Duty, status, result.Duty.Title(), why)
	}
	fmt.Fprintf(&b, "%s: %d passed, %d failed, %d not tried, in %.1f s\n",
		r.DriverID, r.count(Pass), r.count(Fail), r.count(NotTried), r.Took.Seconds())
	return b.String()
}

// book collects what the script finds. A duty that failed once has failed.
type book struct {
	mu     sync.Mutex
	passed [lastDuty + 1][]string
	failed [lastDuty + 1]string
}

func (b *book) pass(d Duty, format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if why := fmt.Sprintf(format, args...); !slices.Contains(b.passed[d], why) {
		b.passed[d] = append(b.passed[d], why)
	}
}

func (b *book) fail(d Duty, format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed[d] == "" {
		b.failed[d] = fmt.Sprintf(format, args...)
	}
}

// check passes or fails d, with the same text in both cases, and returns ok.
func (b *book) check(ok bool, d Duty, format string, args ...any) bool {
	if ok {
		b.pass(d, format, args...)
	} else {
		b.fail(d, format, args...)
	}
	return ok
}

func (b *book) results() (out []Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for d := Handshake; d <= lastDuty; d++ {
		r := Result{Duty: d, Status: NotTried, Why: d.untried()}
		switch {
		case b.failed[d] != "":
			r.Status, r.Why = Fail, b.failed[d]
		case len(b.passed[d]) > 0:
			r.Status, r.Why = Pass, strings.Join(b.passed[d], "; ")
		}
		out = append(out, r)
	}
	return out
}
