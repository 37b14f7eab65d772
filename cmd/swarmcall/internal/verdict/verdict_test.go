package verdict

import (
	"fmt"
	"strings"
	"testing"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

func entry(acked, rejected, missing, superseded int) remote.Entry {
	e := remote.Entry{Seq: 7, Status: api.StatusPartial, Counts: api.Counts{
		Targeted: acked + rejected + missing + superseded, Acked: acked, Rejected: rejected, Missing: missing,
		Superseded: superseded,
	}}
	for i := range rejected {
		e.Rejected = append(e.Rejected, api.Rejected{DriverId: fmt.Sprintf("r-%d", i), Code: "busy"})
	}
	for i := range missing {
		e.Missing = append(e.Missing, api.Missing{DriverId: fmt.Sprintf("m-%d", i), Reason: "deadline"})
	}
	return e
}

func TestCode(t *testing.T) {
	for _, tc := range []struct {
		entry remote.Entry
		allow string
		want  clierr.Code
	}{
		{entry(3, 0, 0, 0), "0", clierr.OK},
		{entry(2, 0, 1, 0), "0", clierr.Missing},
		{entry(2, 0, 1, 0), "1", clierr.OK},
		{entry(0, 0, 1, 0), "0%", clierr.Missing},
		{entry(19, 0, 1, 0), "5%", clierr.OK},
		{entry(18, 0, 2, 0), "5%", clierr.Missing},
		{entry(2, 1, 1, 1), "100%", clierr.Rejected},
		{entry(2, 0, 1, 1), "0", clierr.Missing},
		{entry(2, 0, 1, 1), "1", clierr.Superseded},
		{remote.Entry{Status: api.StatusPending}, "100%", clierr.Timeout},
	} {
		var allow Allow
		if err := allow.UnmarshalText([]byte(tc.allow)); err != nil {
			t.Fatal(err)
		}
		if got := Code(tc.entry, allow); got != tc.want {
			t.Errorf("%s, allowing %s: %d, want %d", Sentence(tc.entry), tc.allow, got, tc.want)
		}
		if err := Error(tc.entry, allow); clierr.CodeOf(err) != tc.want {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestAllowIsParsedStrictly(t *testing.T) {
	for _, bad := range []string{"", "%", "-1", "1.5", "101%", "-1%", "NaN%", "x"} {
		if err := new(Allow).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestBlameNamesDriversAndIsBounded(t *testing.T) {
	lines := Blame(entry(0, 2, 30, 0), 10)
	if len(lines) != 11 || !strings.HasPrefix(lines[0], "r-0 rejected: busy") || lines[10] != "and 22 more" {
		t.Errorf("%q", lines)
	}
}

func leftOut(e remote.Entry, reasons ...api.LeftOutReason) remote.Entry {
	var list []api.LeftOut
	for i, r := range reasons {
		list = append(list, api.LeftOut{DriverId: fmt.Sprintf("o-%d", i), Reason: r})
	}
	n := len(list)
	e.LeftOut, e.Counts.LeftOut = &list, &n
	return e
}

// TestLeftOutIsMissing: a left-out driver counts as missing; a driver that another submitter commands does not.
func TestLeftOutIsMissing(t *testing.T) {
	const stale, gone, other = api.LeftOutReasonStale, api.LeftOutReasonDisconnected, api.LeftOutReasonOtherRun
	for _, tc := range []struct {
		entry remote.Entry
		allow string
		want  clierr.Code
		says  string
	}{
		{leftOut(entry(3, 0, 0, 0), stale, stale, stale), "0", clierr.Missing,
			"3 of 6 acked, 3 left out (stale) (entry 7)"},
		{leftOut(entry(3, 0, 0, 0), stale, stale, stale), "49%", clierr.Missing, "3 of 6"},
		{leftOut(entry(3, 0, 0, 0), stale, stale, stale), "50%", clierr.OK, "3 of 6"},
		{leftOut(entry(3, 0, 0, 0), stale, gone, stale), "3", clierr.OK, "3 left out (1 disconnected, 2 stale)"},
		{leftOut(entry(2, 0, 1, 0), gone), "1", clierr.Missing, "2 of 4 acked, 1 missing, 1 left out (disconnected)"},
		{leftOut(entry(2, 1, 0, 0), gone), "0", clierr.Rejected, "2 of 4 acked, 1 rejected, 1 left out (disconnected)"},
		{leftOut(entry(3, 0, 0, 0), other), "0", clierr.OK,
			"3 of 3 acked, a newer command by another submitter holds for o-0 (entry 7)"},
		{leftOut(entry(2, 0, 0, 0), other, stale), "0", clierr.Missing,
			"2 of 3 acked, 1 left out (stale), a newer command by another submitter holds for o-0"},
		{leftOut(entry(0, 0, 0, 0), other), "0", clierr.Superseded,
			"it applies to no driver: a newer command by another submitter holds for o-0 (entry 7)"},
		{leftOut(entry(3, 0, 0, 0), "restricted"), "0", clierr.Missing, "3 of 4 acked, 1 left out (restricted)"},
		// of a newer server
	} {
		var allow Allow
		if err := allow.UnmarshalText([]byte(tc.allow)); err != nil {
			t.Fatal(err)
		}
		if got := Code(tc.entry, allow); got != tc.want || !strings.Contains(Sentence(tc.entry), tc.says) {
			t.Errorf("%s, allowing %s: %d, want %d and %q", Sentence(tc.entry), tc.allow, got, tc.want, tc.says)
		}
	}
	e := leftOut(entry(3, 0, 0, 0), stale, other)
	if got := Blame(e, 10); len(got) != 1 || got[0] != "o-0 left out: stale" {
		t.Errorf("%q", got)
	}
	if got := Error(e, Allow{}); !strings.Contains(clierr.Text(got), "o-0 left out: stale") {
		t.Error(clierr.Text(got))
	}
	e.Status = api.StatusPending
	if got := Sentence(e); !strings.Contains(got, "still open, sent to 3, 1 left out (stale)") {
		t.Error(got)
	}
}

// TestAStopThatReachedNoDriver: its counts are never a success. It succeeds only if drivers that match are expected to
// reconnect.
func TestAStopThatReachedNoDriver(t *testing.T) {
	no, yes := false, true
	inUse := &api.InUse{Labels: map[string][]string{"zone": {"eu-west", "us"}}, DriverIds: []string{"d-1"}}
	for _, tc := range []struct {
		awaited *bool
		inUse   *api.InUse
		want    clierr.Code
		says    string
	}{
		{&yes, inUse, clierr.OK, "stop: logged; it stops drivers that return (entry 7)"},
		{&no, inUse, clierr.TooFew, "stop: reached no driver: no known driver matches its target (entry 7)"},
		{nil, inUse, clierr.TooFew, "stop: reached no driver"},
		{nil, nil, clierr.OK, "stop: logged; there was no driver to send it to (entry 7)"}, // an older server
	} {
		e := remote.Entry{Seq: 7, Status: api.StatusFailed, Awaited: tc.awaited, InUse: tc.inUse}
		if err := e.Command.FromStopCommand(api.StopCommand{}); err != nil {
			t.Fatal(err)
		}
		if got := Code(e, Allow{Percent: 100}); got != tc.want || !strings.Contains(Sentence(e), tc.says) ||
			strings.Contains(Sentence(e), "0 of 0") {
			t.Errorf("%s: %d, want %d", Sentence(e), got, tc.want)
		}
		err := Error(e, Allow{})
		if clierr.CodeOf(err) != tc.want {
			t.Errorf("%v", err)
		}
		if tc.want == clierr.OK {
			continue
		}
		text := clierr.Text(err)
		if !strings.Contains(text, "in use: zone: eu-west, us") || !strings.Contains(text, "driver ids: d-1") ||
			!strings.Contains(text, "spelling") {
			t.Error(text)
		}
	}
}
