package bench

import (
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

func TestSpread(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, tc := range []struct {
		times []float64
		want  Spread
	}{
		{nil, Spread{}},
		{[]float64{7}, Spread{7, 7, 7, 7}},
		{[]float64{2, 1}, Spread{1, 2, 2, 2}},
		{hundred, Spread{50, 90, 99, 100}},
	} {
		if got := spread(tc.times); got != tc.want {
			t.Errorf("of %v: %v, want %v", tc.times, got, tc.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, tc := range []struct {
		result Result
		want   clierr.Code
	}{
		{Result{Acked: 3, Superseded: 1}, clierr.OK},
		{Result{Acked: 3, Missing: 1}, clierr.Missing},
		{Result{Missing: 1, Rejected: 1}, clierr.Rejected},
	} {
		if got := clierr.CodeOf(tc.result.Verdict()); got != tc.want {
			t.Errorf("%+v: code %d, want %d", tc.result, got, tc.want)
		}
	}
}
