package logs

import (
	"bytes"
	"container/heap"
	"slices"

	"github.com/sealquay/sealquay/internal/logging"
)

// Slow keeps the requests that took longest.
type Slow struct {
	limit int
	kept  fastestFirst
	seen  int
}

type slowLine struct {
	seconds float64
	number  int // in the order of reading
	raw     []byte
}

// NewSlow returns a Slow that keeps limit requests, at least one.
func NewSlow(limit int) *Slow { return &Slow{limit: limit} }

// Add looks at a line, if it is about a request.
func (s *Slow) Add(l *Line) {
	seconds, ok := l.Float("duration")
	if !ok || string(l.Text("event")) != string(logging.RequestDone) {
		return
	}
	s.seen++
	if len(s.kept) == s.limit {
		if seconds <= s.kept[0].seconds {
			return
		}
		heap.Pop(&s.kept)
	}
	heap.Push(&s.kept, slowLine{seconds, s.seen, bytes.Clone(l.Raw)})
}

// Each calls show for the slowest requests, the slowest first, until that fails. The line is valid during the call.
func (s *Slow) Each(show func(*Line) error) error {
	sorted := slices.Clone(s.kept)
	slices.SortFunc(sorted, func(a, b slowLine) int {
		if a.seconds == b.seconds {
			return a.number - b.number
		}
		if a.seconds > b.seconds {
			return -1
		}
		return 1
	})
	var line Line
	for i, kept := range sorted {
		line.reset(kept.raw, "", i+1)
		if err := show(&line); err != nil {
			return err
		}
	}
	return nil
}

type fastestFirst []slowLine

func (h fastestFirst) Len() int           { return len(h) }
func (h fastestFirst) Less(i, j int) bool { return h[i].seconds < h[j].seconds }
func (h fastestFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *fastestFirst) Push(x any)        { *h = append(*h, x.(slowLine)) }
func (h *fastestFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
