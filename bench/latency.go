package bench

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Latency summarizes a histogram, and holds it.
type Latency struct {
	Count int64         `json:"count"`
	Min   time.Duration `json:"min_ns"`
	Mean  time.Duration `json:"mean_ns"`
	P50   time.Duration `json:"p50_ns"`
	P90   time.Duration `json:"p90_ns"`
	P99   time.Duration `json:"p99_ns"`
	P999  time.Duration `json:"p999_ns"`
	P9999 time.Duration `json:"p9999_ns"`
	Max   time.Duration `json:"max_ns"`
	// Histogram is all of it: HdrHistogram's V2 compressed form in Base64, in
	// nanoseconds. It is empty if Count is 0.
	Histogram string `json:"histogram,omitzero"`
}

func summarize(h *hdrhistogram.Histogram) Latency {
	if h.TotalCount() == 0 {
		return Latency{}
	}
	at := func(percent float64) time.Duration { return time.Duration(min(h.ValueAtPercentile(percent), h.Max())) }
	encoded, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		panic(fmt.Sprintf("bench: a histogram does not encode: %v", err)) // it is written to memory
	}
	return Latency{
		Count:     h.TotalCount(),
		Min:       time.Duration(h.Min()),
		Mean:      time.Duration(h.Mean()),
		P50:       at(50),
		P90:       at(90),
		P99:       at(99),
		P999:      at(99.9),
		P9999:     at(99.99),
		Max:       time.Duration(h.Max()),
		Histogram: string(encoded),
	}
}

// Decode returns the histogram, in nanoseconds.
func (l Latency) Decode() (*hdrhistogram.Histogram, error) {
	if l.Histogram == "" {
		return newHistogram(), nil
	}
	return hdrhistogram.Decode([]byte(l.Histogram))
}

// Percentile returns the latency that so many percent do not exceed, 0 to 100.
func (l Latency) Percentile(percent float64) (time.Duration, error) {
	h, err := l.Decode()
	if err != nil {
		return 0, err
	}
	return time.Duration(min(h.ValueAtPercentile(percent), h.Max())), nil
}

// Decoded is an interval's histogram of session latencies with its time.
type Decoded struct {
	Start, End time.Duration
	Histogram  *hdrhistogram.Histogram
}

// DecodeIntervals returns the histograms of all intervals.
func (r *Result) DecodeIntervals() (all []Decoded, err error) {
	for _, i := range r.Intervals {
		h, err := i.Latency.Decode()
		if err != nil {
			return nil, err
		}
		all = append(all, Decoded{i.End - i.Length, i.End, h})
	}
	return all, nil
}
