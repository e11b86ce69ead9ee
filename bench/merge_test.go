package bench

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The parts of a plan are the whole again.
func TestPartsOfAPlanAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := small()
		p.Model = rapid.SampledFrom([]Model{Closed, Open}).Draw(t, "model")
		n := rapid.IntRange(1, 5).Draw(t, "agents")
		level := float64(rapid.IntRange(n, 1000).Draw(t, "level"))
		p.Clients = rapid.IntRange(n, 1000).Draw(t, "clients")
		p.MaxSessions = int64(rapid.IntRange(n, 1000).Draw(t, "sessions"))
		p.Stages, p.MaxWait = Stages{{time.Second, 0, level}}, time.Second
		sum, clients, sessions := 0.0, 0, int64(0)
		names := map[string]bool{}
		for _, part := range p.Split(n) {
			if err := part.Check(); err != nil {
				t.Fatal(err)
			}
			sum += part.Stages[0].To
			clients += part.Clients
			sessions += part.MaxSessions
			names[part.Name] = true
		}
		if diff := sum - level; diff > 1e-9 || diff < -1e-9 || clients != p.Clients || sessions != p.MaxSessions || len(names) != n {
			t.Fatalf("%g of %g, %d of %d clients, %d of %d sessions, %d names", sum, level, clients, p.Clients, sessions, p.MaxSessions, len(names))
		}
	})
}

// What merged histograms say is what one histogram of all values says, and not
// a mean of the parts.
func TestMergedHistogramsAreNotAveraged(t *testing.T) {
	part := func(latency time.Duration, n int) *Result {
		h := newHistogram()
		for range n {
			record(h, latency)
		}
		l := summarize(h)
		return &Result{Sessions: int64(n), Agents: 1, Measured: time.Second, Plan: small(),
			Latencies: map[Operation]Latency{Session: l},
			Failures:  []Failure{{Request: 1103, Kind: "timeout", Count: 2}},
			Intervals: []Interval{{Measured: true, Length: time.Second, Sessions: int64(n), Files: 3, Latency: l}}}
	}
	merged, err := Merge([]*Result{part(time.Millisecond, 985), part(time.Second, 15)})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []Latency{merged.Latencies[Session], merged.Intervals[0].Latency} {
		if l.Count != 1000 || l.P50 > 2*time.Millisecond || l.P99 < 999*time.Millisecond {
			t.Errorf("p50 %v, p99 %v of %d", l.P50, l.P99, l.Count)
		}
	}
	if merged.Sessions != 1000 || merged.Files != 6 || merged.Done.Sessions != 1000 || merged.Agents != 2 || merged.Failures[0].Count != 4 {
		t.Errorf("%+v", merged)
	}
}
