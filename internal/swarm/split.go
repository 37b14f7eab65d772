package swarm

import (
	"cmp"
	"math/bits"
	"slices"
)

// Share bounds a driver's part of a total.
type Share struct {
	Weight uint64 // relative to the others; at least 1
	Cap    int64  // the most that the driver accepts; 0 for no limit of its own
}

// Split divides a total over drivers by the largest remainder. Each driver gets its part by weight, rounded down. The
// remainder goes one by one to the drivers with the largest fractions, the earlier driver first. No driver gets more
// than its cap or than most; what exceeds these limits is the shortfall. The parts and the shortfall add up to the
// total, and the same input always gives the same parts.
func Split(total, most int64, over []Share) (parts []int64, shortfall int64) {
	parts = make([]int64, len(over))
	open := make([]int, len(over))
	for i := range open {
		open[i] = i
	}
	for len(open) > 0 {
		largestRemainder(total, over, open, parts)
		full := func(i int) bool { return parts[i] > over[i].limit(most) }
		if !slices.ContainsFunc(open, full) {
			return parts, 0
		}
		open = slices.DeleteFunc(open, func(i int) bool {
			if !full(i) {
				return false
			}
			parts[i] = over[i].limit(most)
			total -= parts[i]
			return true
		})
	}
	return parts, total
}

// limit returns the most that a driver may get; no driver may have more than most.
func (s Share) limit(most int64) int64 {
	if s.Cap <= 0 {
		return most
	}
	return min(s.Cap, most)
}

// largestRemainder divides total over the open drivers, ignoring their caps.
func largestRemainder(total int64, over []Share, open []int, parts []int64) {
	var weights uint64
	for _, i := range open {
		weights += max(over[i].Weight, 1)
	}
	left := total
	fractions := make([]uint64, len(over))
	for _, i := range open {
		high, low := bits.Mul64(uint64(total), max(over[i].Weight, 1))
		part, fraction := bits.Div64(high, low, weights)
		parts[i], fractions[i] = int64(part), fraction
		left -= parts[i]
	}
	byFraction := slices.Clone(open)
	slices.SortStableFunc(byFraction, func(a, b int) int { return cmp.Compare(fractions[b], fractions[a]) })
	for _, i := range byFraction[:left] {
		parts[i]++
	}
}
