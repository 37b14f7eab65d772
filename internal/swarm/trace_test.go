package swarm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
	sampled = "00-" + traceID + "-" + spanID + "-01"
)

func TestTraceparent(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"sampled", sampled, sampled},
		{"not sampled", "00-" + traceID + "-" + spanID + "-00", "00-" + traceID + "-" + spanID + "-00"},
		{"a random trace id", "00-" + traceID + "-" + spanID + "-03", sampled},
		{"a random trace id, not sampled", "00-" + traceID + "-" + spanID + "-02", "00-" + traceID + "-" + spanID + "-00"},
		{"flags of a later version", "00-" + traceID + "-" + spanID + "-fd", sampled},
		{"a later version", "01-" + traceID + "-" + spanID + "-01", sampled},
		{"a later version with more", "cc-" + traceID + "-" + spanID + "-01-what-will-be", sampled},
		{"empty", "", ""},
		{"no version", traceID + "-" + spanID + "-01", ""},
		{"the forbidden version", "ff-" + traceID + "-" + spanID + "-01", ""},
		{"a version that is no number", "0x-" + traceID + "-" + spanID + "-01", ""},
		{"upper case", strings.ToUpper(sampled), ""},
		{"an upper-case trace id", "00-" + strings.ToUpper(traceID) + "-" + spanID + "-01", ""},
		{"a trace id of zeros", "00-" + strings.Repeat("0", 32) + "-" + spanID + "-01", ""},
		{"a parent id of zeros", "00-" + traceID + "-" + strings.Repeat("0", 16) + "-01", ""},
		{"a short trace id", "00-" + traceID[1:] + "-" + spanID + "-01", ""},
		{"a long trace id", "00-" + traceID + "a-" + spanID + "-01", ""},
		{"a short parent id", "00-" + traceID + "-" + spanID[1:] + "-01", ""},
		{"one digit of flags", "00-" + traceID + "-" + spanID + "-1", ""},
		{"three digits of flags", "00-" + traceID + "-" + spanID + "-010", ""},
		{"flags that are no number", "00-" + traceID + "-" + spanID + "-0g", ""},
		{"more in version 00", sampled + "-more", ""},
		{"more without a hyphen", "01-" + traceID + "-" + spanID + "-01more", ""},
		{"other separators", strings.ReplaceAll(sampled, "-", "_"), ""},
		{"white space", " " + sampled, ""},
		{"a line break", sampled + "\n", ""},
		{"two in one", sampled + "," + sampled, ""},
		{"not ASCII", "00-" + traceID[:30] + "é-" + spanID + "-01", ""},
		{"a token", "00-swc_" + strings.Repeat("a", 28) + "-" + spanID + "-01", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := Traceparent(c.in)
			if got != c.want || ok != (c.want != "") {
				t.Errorf("Traceparent(%q) = %q, %v; want %q", c.in, got, ok, c.want)
			}
			if again, ok := Traceparent(got); c.want != "" && (!ok || again != got) {
				t.Errorf("its result %q is read as %q, %v", got, again, ok)
			}
		})
	}
}

func TestTraceOf(t *testing.T) {
	long := "a=" + strings.Repeat("b", maxTraceState)
	for _, c := range []struct {
		name            string
		parents, states []string
		want            Trace
	}{
		{"none", nil, nil, Trace{}},
		{"alone", []string{sampled}, nil, Trace{Parent: sampled}},
		{"with state", []string{sampled}, []string{"a=1,b=2"}, Trace{sampled, "a=1,b=2"}},
		{"several lines of state", []string{sampled}, []string{"a=1", "b=2"}, Trace{sampled, "a=1,b=2"}},
		{"two parents", []string{sampled, sampled}, []string{"a=1"}, Trace{}},
		{"an invalid parent", []string{"00-x"}, []string{"a=1"}, Trace{}},
		{"state alone", nil, []string{"a=1"}, Trace{}},
		{"too much state", []string{sampled}, []string{long}, Trace{Parent: sampled}},
		{"a line break", []string{sampled}, []string{"a=1\r\nX: y"}, Trace{Parent: sampled}},
		{"state that is not ASCII", []string{sampled}, []string{"a=é"}, Trace{Parent: sampled}},
		{"a token", []string{sampled}, []string{"a=swc_" + strings.Repeat("x", 43)}, Trace{Parent: sampled}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := TraceOf(c.parents, c.states); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestTraceID(t *testing.T) {
	if got := TraceID(sampled); got != traceID {
		t.Errorf("of %s: %q", sampled, got)
	}
	if got := TraceID(""); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

func FuzzTraceparent(f *testing.F) {
	for _, s := range []string{sampled, "cc-" + traceID + "-" + spanID + "-01-x", "", strings.ToUpper(sampled)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := Traceparent(s)
		if again, valid := Traceparent(got); ok && (!valid || again != got || len(got) != len(sampled)) {
			t.Errorf("%q became %q, which is not valid", s, got)
		}
		if !ok && got != "" {
			t.Errorf("%q is refused, and gives %q", s, got)
		}
	})
}

// follower notes what a submission is told.
type follower []string

func (f *follower) Issued(uint64)     { *f = append(*f, "issued") }
func (f *follower) Replayed(uint64)   { *f = append(*f, "replayed") }
func (f *follower) Refused(err error) { *f = append(*f, err.Error()) }

func TestRefuse(t *testing.T) {
	var f follower
	no := errors.New("no")
	if err := (&Submission{Follower: &f}).Refuse(no); !errors.Is(err, no) || !slices.Equal(f, []string{"no"}) {
		t.Errorf("returned %v, told %v", err, f)
	}
	if err := (&Submission{}).Refuse(no); !errors.Is(err, no) {
		t.Errorf("without a follower: %v", err)
	}
}

func TestRequest(t *testing.T) {
	r := &Request{ID: "r-1", Trace: Trace{Parent: sampled}}
	ctx := WithRequest(t.Context(), r)
	if got := RequestOf(ctx).About(); got != (About{TraceID: traceID}) {
		t.Errorf("before a command: %+v", got)
	}
	want := About{Submitter: "ci", Seq: 7, TraceID: strings.Repeat("a", 32)}
	RequestOf(ctx).Submits(want)
	if got := r.About(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	RequestOf(context.Background()).Submits(want) // nobody reads it
	if got := RequestOf(context.Background()).About(); got != (About{}) {
		t.Errorf("without a request: %+v", got)
	}
}
