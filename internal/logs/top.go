package logs

import (
	"cmp"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sealquay/sealquay/internal/logging"
)

// Top adds up requests by what they asked for.
type Top struct{ ops map[string]*opCounts }

type opCounts struct {
	OpTotal
	durations *hdrhistogram.Histogram
}

// OpTotal is what became of the requests of one kind. Durations are in seconds.
type OpTotal struct {
	Op       string  `json:"op"`
	Count    int64   `json:"count"`
	Errors   int64   `json:"errors"` // those with a reason
	BytesIn  int64   `json:"bytes_in"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	Max      float64 `json:"max"`
	Duration float64 `json:"duration"` // of all together
}

// NewTop returns an empty Top.
func NewTop() *Top { return &Top{make(map[string]*opCounts)} }

// maxDuration is the longest duration that is told apart, a day in microseconds.
const maxDuration = int64(24 * time.Hour / time.Microsecond)

// Add counts a line, if it is about a request.
func (t *Top) Add(l *Line) {
	if string(l.Text("event")) != string(logging.RequestDone) {
		return
	}
	op := t.ops[string(l.Text("op"))]
	if op == nil {
		name := string(l.Text("op"))
		op = &opCounts{OpTotal{Op: name}, hdrhistogram.New(1, maxDuration, 3)}
		t.ops[name] = op
	}
	op.Count++
	if l.Has("reason") {
		op.Errors++
	}
	size, _ := l.Float("bytes_in") // 0 without the field
	op.BytesIn += int64(size)
	seconds, _ := l.Float("duration")
	op.Duration += seconds
	op.Max = max(op.Max, seconds)
	_ = op.durations.RecordValue(min(int64(seconds*1e6), maxDuration)) // it is in range
}

// Totals returns the sums, the most frequent first.
func (t *Top) Totals() (all []OpTotal) {
	for _, op := range t.ops {
		total := op.OpTotal
		total.P50 = op.quantile(50)
		total.P99 = op.quantile(99)
		all = append(all, total)
	}
	slices.SortFunc(all, func(a, b OpTotal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Op, b.Op))
	})
	return all
}

// quantile is exact to three digits, and no more than the largest.
func (o *opCounts) quantile(q float64) float64 {
	return min(float64(o.durations.ValueAtQuantile(q))/1e6, o.Max)
}
