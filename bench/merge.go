package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Merge makes one result of those of generators that ran at the same time with
// parts of one plan. Histograms are added, never averaged; intervals are added
// by their number. The plan is that of the first, with all levels, clients and sessions added.
func Merge(results []*Result) (*Result, error) {
	if len(results) == 0 {
		return nil, errors.New("there is no result to merge")
	}
	merged := *results[0]
	merged.Latencies = map[Operation]Latency{}
	merged.Intervals, merged.Plan.Stages = nil, nil
	merged.Plan.Clients, merged.Plan.MaxSessions = 0, 0
	merged.Agents, merged.Sessions, merged.Failed, merged.Dropped, merged.Unfinished = 0, 0, 0, 0, 0
	failed := failures{}
	var warnings []string
	for at, r := range results {
		merged.Agents += r.Agents
		merged.Sessions += r.Sessions
		merged.Failed += r.Failed
		merged.Dropped += r.Dropped
		merged.Unfinished += r.Unfinished
		merged.Interrupted = merged.Interrupted || r.Interrupted
		merged.Measured = min(merged.Measured, r.Measured)
		for _, f := range r.Failures {
			failed.merge(failures{{f.Request, f.Kind}: &f})
		}
		for _, w := range r.Warnings {
			warnings = append(warnings, fmt.Sprintf("Agent %d: %s", at+1, w))
		}
		if err := addIntervals(&merged, r); err != nil {
			return nil, err
		}
		merged.Plan.Clients += r.Plan.Clients
		merged.Plan.MaxSessions += r.Plan.MaxSessions
		addStages(&merged.Plan, r.Plan.Stages)
	}
	for _, o := range Operations {
		l, err := mergeLatencies(results, func(r *Result) Latency { return r.Latencies[o] })
		if err != nil {
			return nil, err
		}
		if l.Count > 0 {
			merged.Latencies[o] = l
		}
	}
	merged.Failures = failed.list()
	merged.sumIntervals()
	merged.Generator = mergeGenerators(results)
	merged.Warnings = warnings
	return &merged, nil
}

func mergeLatencies[T any](parts []T, of func(T) Latency) (Latency, error) {
	sum := newHistogram()
	for _, part := range parts {
		h, err := of(part).Decode()
		if err != nil {
			return Latency{}, err
		}
		if lost := sum.Merge(h); lost > 0 {
			return Latency{}, fmt.Errorf("%d latencies of a histogram do not fit", lost)
		}
	}
	return summarize(sum), nil
}

func addIntervals(to *Result, from *Result) (err error) {
	for at, i := range from.Intervals {
		if at == len(to.Intervals) {
			to.Intervals = append(to.Intervals, i)
			continue
		}
		if to.Intervals[at], err = to.Intervals[at].Add(i); err != nil {
			return err
		}
	}
	return nil
}

// Add returns what happened in two generators in the same second.
func (i Interval) Add(o Interval) (Interval, error) {
	latency, err := mergeLatencies([]Latency{i.Latency, o.Latency}, func(l Latency) Latency { return l })
	i.Latency = latency
	i.Level += o.Level
	i.Active += o.Active
	i.Sessions += o.Sessions
	i.Failed += o.Failed
	i.Dropped += o.Dropped
	i.Files += o.Files
	i.Bytes += o.Bytes
	i.OwnCPU += o.OwnCPU
	i.OwnRSS += o.OwnRSS
	return i, err
}

func addStages(plan *Plan, stages Stages) {
	if plan.Stages == nil {
		plan.Stages = slices.Clone(stages)
		return
	}
	for i := range min(len(plan.Stages), len(stages)) {
		plan.Stages[i].From += stages[i].From
		plan.Stages[i].To += stages[i].To
	}
}

// mergeGenerators adds what can be added and keeps the worst of the rest.
func mergeGenerators(results []*Result) (sum Generator) {
	lag := newHistogram()
	sum.MachineIdle = 1
	for _, r := range results {
		g := r.Generator
		sum.CPU += g.CPU
		sum.Cores += g.Cores
		sum.PeakRSS += g.PeakRSS
		sum.GCCycles += g.GCCycles
		sum.GCCPU += g.GCCPU
		sum.GCPause = max(sum.GCPause, g.GCPause)
		sum.MachineIdle = min(sum.MachineIdle, g.MachineIdle)
		if h, err := g.Lag.Decode(); err == nil {
			lag.Merge(h)
		}
	}
	sum.Lag = summarize(lag)
	return sum
}

// Split divides a plan among n generators: each gets its share of the level,
// of the clients and of the sessions, and another seed and name.
func (p Plan) Split(n int) []Plan {
	parts := make([]Plan, n)
	for i := range parts {
		part := p
		part.Stages = slices.Clone(p.Stages)
		for s := range part.Stages {
			part.Stages[s].From = p.share(p.Stages[s].From, n, i)
			part.Stages[s].To = p.share(p.Stages[s].To, n, i)
		}
		part.Clients = (p.Clients + n - 1 - i) / n
		if p.MaxSessions > 0 { // 0 would mean without bound
			part.MaxSessions = max((p.MaxSessions+int64(n-1-i))/int64(n), 1)
		}
		part.Seed = p.Seed + uint64(i)
		part.Name = fmt.Sprintf("%s.%d", p.Name, i)
		parts[i] = part
	}
	return parts
}

// share returns the part of a level that generator i of n has. Clients are not
// divided.
func (p Plan) share(level float64, n, i int) float64 {
	if p.Model == Open {
		return level / float64(n)
	}
	return math.Floor((level + float64(n-1-i)) / float64(n))
}
