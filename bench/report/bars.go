package report

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Bar counts latencies in a range: from half of Below to Below.
type Bar struct {
	Below time.Duration
	Count int64
}

// Bars counts a histogram's latencies by powers of two, from 64 µs on, without
// empty ones at the ends.
func Bars(h *hdrhistogram.Histogram) (bars []Bar) {
	below := 64 * time.Microsecond
	count, seen := int64(0), int64(0)
	for _, part := range h.Distribution() {
		for time.Duration(part.From) >= below {
			if count > 0 || len(bars) > 0 {
				bars = append(bars, Bar{below, count})
			}
			below, count = 2*below, 0
		}
		count += part.Count
		if seen += part.Count; seen == h.TotalCount() {
			break
		}
	}
	if count > 0 {
		bars = append(bars, Bar{below, count})
	}
	return bars
}
