package logs

import (
	"slices"
	"strings"

	"github.com/sealquay/sealquay/internal/logging"
)

func fieldNames() (names []string) {
	for _, f := range logging.Fields() {
		names = append(names, f.Name)
	}
	return names
}

// nearestValue returns the event or reason that may have been meant.
func nearestValue(field, text string) string {
	switch field {
	case "event":
		return nearest(text, logging.Events())
	case "reason":
		return nearest(text, logging.Reasons())
	}
	return ""
}

// nearest returns the name that begins with text, or differs least from it, if that is little.
func nearest(text string, names []string) string {
	for _, name := range names {
		if len(text) > 2 && strings.HasPrefix(name, text) {
			return name
		}
	}
	best, least := "", len(text)/3+2
	for _, name := range names {
		if d := distance(text, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the bytes to insert, remove or replace that make b of a (Wagner and Fischer 1974), where two that
// changed places count once.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		older := before
		before, row = row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = slices.Min([]int{before[j+1] + 1, row[j] + 1, before[j] + cost})
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], older[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
