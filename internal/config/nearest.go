package config

// nearest returns the candidate with the least edit distance to s, or "" when none is like it: more than a third of
// its letters would have to change.
func nearest(s string, candidates []string) string {
	best, found := 1<<30, ""
	for _, c := range candidates {
		limit := max(len(c)/3, 1)
		if max(len(s)-len(c), len(c)-len(s)) > limit {
			continue
		}
		if d := editDistance(s, c); d <= limit && d < best {
			best, found = d, c
		}
	}
	return found
}

// editDistance counts the insertions, deletions, replacements and swaps of neighbours that make b of a
// (optimal string alignment), byte by byte.
func editDistance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, above[j]+change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
