package bench

import (
	"runtime/metrics"
	"time"
)

// Usage is what a process has used so far.
type Usage struct {
	CPU  time.Duration // user and system
	RSS  int64         // bytes now
	Peak int64         // bytes at most
}

// gcUsage is what garbage collection has cost so far.
type gcUsage struct {
	cycles uint64
	cpu    time.Duration
	pauses *metrics.Float64Histogram
}

func readGC() gcUsage {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/sched/pauses/total/gc:seconds"},
	}
	metrics.Read(samples)
	return gcUsage{
		cycles: samples[0].Value.Uint64(),
		cpu:    time.Duration(samples[1].Value.Float64() * float64(time.Second)),
		pauses: samples[2].Value.Float64Histogram(),
	}
}

// longestPause returns the upper bound of the longest pause since before.
func (g gcUsage) longestPause(before gcUsage) time.Duration {
	for i := len(g.pauses.Counts) - 1; i >= 0; i-- {
		if g.pauses.Counts[i] > before.pauses.Counts[i] {
			return time.Duration(g.pauses.Buckets[i] * float64(time.Second))
		}
	}
	return 0
}
