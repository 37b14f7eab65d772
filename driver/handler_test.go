package driver

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRejectionOf(t *testing.T) {
	long := strings.Repeat("é", 400)
	for _, c := range []struct {
		name string
		err  error
		want *Rejection
	}{
		{"applied", nil, nil},
		{"rejected", Reject("full", "no room"), &Rejection{"full", "no room"}},
		{"rejected, wrapped", fmt.Errorf("apply: %w", Reject("full", "no room")), &Rejection{"full", "no room"}},
		{"any error", errors.New("no fuel"), &Rejection{codeApplyFailed, "no fuel"}},
		{"no code", Reject("", "no room"), &Rejection{codeApplyFailed, "no room"}},
		{"not UTF-8", Reject("a\xff", "b\xfe"), &Rejection{"a\uFFFD", "b\uFFFD"}},
		{"too long", Reject(strings.Repeat("c", 100), "x"+long), &Rejection{strings.Repeat("c", 64), "x" + long[:510]}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := rejectionOf(c.err)
			if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if got != nil && !utf8.ValidString(got.Code+got.Detail) {
				t.Errorf("%+v is no UTF-8", got)
			}
		})
	}
}
