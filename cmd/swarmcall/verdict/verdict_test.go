package verdict

import (
	"fmt"
	"strings"
	"testing"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
)

func entry(acked, rejected, missing, superseded int) remote.Entry {
	e := remote.Entry{Seq: 7, Status: api.StatusPartial, Counts: api.Counts{
		Targeted: acked + rejected + missing + superseded, Acked: acked, Rejected: rejected, Missing: missing, Superseded: superseded,
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
