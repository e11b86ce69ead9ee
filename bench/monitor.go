package bench

import (
	"context"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// An Interval is what happened in one second of a run, by when it ended.
type Interval struct {
	End      time.Duration `json:"end_ns"` // since the run began
	Length   time.Duration `json:"length_ns"`
	Measured bool          `json:"measured"` // neither warm-up nor grace
	Level    float64       `json:"level"`    // of the plan: clients, or sessions per second
	Active   int64         `json:"active"`   // sessions under way at its end

	Sessions int64 `json:"sessions"` // succeeded
	Failed   int64 `json:"failed"`
	Dropped  int64 `json:"dropped"`
	Files    int64 `json:"files"` // acknowledged
	Bytes    int64 `json:"bytes"` // of them, before encryption

	// Latency is of the sessions that succeeded.
	Latency Latency `json:"latency"`

	ServerCPU time.Duration `json:"server_cpu_ns,omitzero"`
	ServerRSS int64         `json:"server_rss,omitzero"` // bytes, at its end
	OwnCPU    time.Duration `json:"own_cpu_ns"`
	OwnRSS    int64         `json:"own_rss"`
}

// A monitor cuts a run into intervals and samples both processes.
type monitor struct {
	runner    *Runner
	marks     []time.Duration // ends of intervals, besides whole seconds
	intervals []Interval
	first     snapshot // when the measured time began
	last      snapshot // when it ended
	before    snapshot // the end of the interval before
	lag       *lagProbe
}

// A snapshot is the use of resources so far.
type snapshot struct {
	at     time.Duration
	server Usage
	own    Usage
	idle   time.Duration // of all processors
	gc     gcUsage
}

func newMonitor(r *Runner) *monitor {
	m := &monitor{runner: r, marks: []time.Duration{r.plan.Warmup, r.plan.Stages.Duration()}, lag: newLagProbe()}
	m.before = m.snapshot()
	m.first, m.last = m.before, m.before
	return m
}

func (m *monitor) snapshot() snapshot {
	s := snapshot{at: m.runner.since(), own: ownUsage(), idle: machineIdle(), gc: readGC()}
	if pid := m.runner.options.ServerPID; pid != 0 {
		s.server, _ = ProcessUsage(pid) // a server that has gone has used nothing more
	}
	return s
}

// watch ends intervals until ctx ends.
func (m *monitor) watch(ctx context.Context) {
	for sleep(ctx, m.next()-m.runner.since()) == nil {
		m.endInterval()
	}
	m.endInterval()
}

// next returns when the interval under way ends.
func (m *monitor) next() time.Duration {
	end := (m.before.at + time.Millisecond).Truncate(time.Second) + time.Second
	for _, mark := range m.marks {
		if mark > m.before.at && mark < end {
			end = mark
		}
	}
	return end
}

func (m *monitor) endInterval() {
	now := m.snapshot()
	h := newHistogram()
	c := m.runner.recorder.takeInterval(h)
	plan := &m.runner.plan
	i := Interval{
		End:       now.at,
		Length:    now.at - m.before.at,
		Measured:  m.before.at >= plan.Warmup && m.before.at < plan.Stages.Duration(),
		Level:     plan.Stages.At(m.before.at),
		Active:    m.runner.active.Load(),
		Sessions:  c.sessions,
		Failed:    c.failed,
		Dropped:   c.dropped,
		Files:     c.files,
		Bytes:     c.bytes,
		Latency:   summarize(h),
		ServerCPU: now.server.CPU - m.before.server.CPU,
		ServerRSS: now.server.RSS,
		OwnCPU:    now.own.CPU - m.before.own.CPU,
		OwnRSS:    now.own.RSS,
	}
	i.ServerCPU = max(i.ServerCPU, 0)
	if i.Measured {
		m.last = now
	} else if now.at < plan.Stages.Duration() {
		m.first, m.last = now, now
	}
	m.before = now
	m.intervals = append(m.intervals, i)
	if m.runner.options.Progress != nil {
		m.runner.options.Progress(i, h)
	}
}

// A lagProbe measures how late this process wakes up.
type lagProbe struct{ histogram *hdrhistogram.Histogram }

func newLagProbe() *lagProbe { return &lagProbe{newHistogram()} }

func (p *lagProbe) probe(ctx context.Context) {
	const pause = 10 * time.Millisecond
	for {
		due := time.Now().Add(pause)
		if sleep(ctx, pause) != nil {
			return
		}
		record(p.histogram, time.Since(due))
	}
}
