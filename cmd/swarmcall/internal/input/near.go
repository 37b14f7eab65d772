package input

// Nearest returns the candidate most similar to word, "" if none is similar: a third of its letters may differ, and two
// in a short word.
func Nearest(word string, candidates []string) string {
	best, least := "", max(len([]rune(word))/3, 2)+1
	for _, c := range candidates {
		if d := distance(word, c); d < least && d < max(len([]rune(c)), 2) {
			best, least = c, d
		}
	}
	return best
}

// distance returns how many letters must be inserted, deleted, replaced or swapped with the next one to turn a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
