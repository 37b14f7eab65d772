package size

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// slope returns how much a figure that is taken at equal intervals grows from the first to the last, as a part of its
// median. It uses the line that fits best.
func slope(figures []float64) float64 {
	n := float64(len(figures))
	mean := 0.0
	for _, y := range figures {
		mean += y / n
	}
	above, below := 0.0, 0.0
	for i, y := range figures {
		x := float64(i) - (n-1)/2
		above += x * (y - mean)
		below += x * x
	}
	sorted := slices.Sorted(slices.Values(figures))
	return above / below * (n - 1) / sorted[len(sorted)/2]
}

// TestSlope: noise alone has no slope, and a figure that grows under noise has the slope of its growth.
func TestSlope(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for name, tc := range map[string]struct{ grows, least, most float64 }{
		"level":   {0, -0.02, 0.02},
		"growing": {0.2, 0.15, 0.2},
		"falling": {-0.2, -0.25, -0.2},
	} {
		figures := make([]float64, 60)
		for i := range figures {
			figures[i] = 1000*(1+tc.grows*float64(i)/59) + 20*chance.NormFloat64()
		}
		if got := slope(figures); got < tc.least || got > tc.most {
			t.Errorf("%s: %.3f, want %.2f to %.2f", name, got, tc.least, tc.most)
		}
	}
}
