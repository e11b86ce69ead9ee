package bench

import (
	"runtime"
	"slices"
	"time"
)

// ResultVersion is the version of the form of Result.
const ResultVersion = 1

// A Result is what a run has shown. It is written as JSON as it is here: all
// times are in nanoseconds, all sizes in bytes.
type Result struct {
	Version     int         `json:"version"`
	Started     time.Time   `json:"started"` // UTC
	Plan        Plan        `json:"plan"`
	Environment Environment `json:"environment"`
	// Measured is the time that the rates are for: without warm-up and grace.
	Measured    time.Duration `json:"measured_ns"`
	Interrupted bool          `json:"interrupted"`

	// Of the sessions that were due in the measured time.
	Sessions   int64                 `json:"sessions"` // succeeded
	Failed     int64                 `json:"failed"`
	Dropped    int64                 `json:"dropped"`    // could not begin (open model)
	Unfinished int64                 `json:"unfinished"` // cut off at the end
	Latencies  map[Operation]Latency `json:"latencies"`
	Failures   []Failure             `json:"failures"`

	// Of what was done in the measured time.
	Done  Rates `json:"done"`
	Files int64 `json:"files"` // acknowledged
	Bytes int64 `json:"bytes"` // of them, before encryption

	Intervals []Interval `json:"intervals"`
	Server    *ServerUse `json:"server,omitzero"`
	Generator Generator  `json:"generator"`
	// Agents is the number of generators whose results are merged here.
	Agents int `json:"agents"`
	// Warnings are sentences on what makes the figures doubtful.
	Warnings     []string      `json:"warnings"`
	Verification *Verification `json:"verification,omitzero"`
}

// Rates are per second of the measured time.
type Rates struct {
	Sessions float64 `json:"sessions_per_second"`
	Files    float64 `json:"files_per_second"`
	MiB      float64 `json:"mib_per_second"`
}

// ServerUse is what the server's process used in the measured time.
type ServerUse struct {
	PID     int           `json:"pid"`
	CPU     time.Duration `json:"cpu_ns"`
	Cores   float64       `json:"cores"`           // processors busy on average
	PerGiB  float64       `json:"cpu_s_per_gib"`   // CPU seconds for a GiB of acknowledged files; 0 if there are none
	PerFile time.Duration `json:"cpu_per_file_ns"` // 0 if there are none
	PeakRSS int64         `json:"peak_rss"`        // of its whole life
}

// Generator is what this program used in the measured time, and how well it
// kept time.
type Generator struct {
	CPU         time.Duration `json:"cpu_ns"`
	Cores       float64       `json:"cores"`
	PeakRSS     int64         `json:"peak_rss"`
	MachineIdle float64       `json:"machine_idle"` // share of all processors' time, 0 to 1
	Lag         Latency       `json:"lag"`          // how late it woke up from sleeps of 10 ms
	GCCycles    uint64        `json:"gc_cycles"`
	GCCPU       time.Duration `json:"gc_cpu_ns"`
	GCPause     time.Duration `json:"gc_pause_max_ns"`
}

// Environment is where a run took place.
type Environment struct {
	CPU        string `json:"cpu"`
	Processors int    `json:"processors"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Memory     int64  `json:"memory"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	Platform   string `json:"platform"`
	Version    string `json:"version"` // of this program
	// ServerCommand and ServerConfig are of the process of --pid, if known.
	ServerCommand []string          `json:"server_command,omitzero"`
	ServerConfig  map[string]string `json:"server_config,omitzero"`
}

// NewEnvironment describes this machine.
func NewEnvironment(version string) Environment {
	e := Environment{
		Processors: runtime.NumCPU(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		Go:         runtime.Version(),
		Platform:   runtime.GOOS + "/" + runtime.GOARCH,
		Version:    version,
	}
	e.CPU, e.Kernel, e.Memory = machine()
	return e
}

func (r *Runner) result(m *monitor, interrupted bool) *Result {
	latencies, c, failed := r.recorder.totals()
	result := &Result{
		Version:     ResultVersion,
		Started:     r.begin.UTC(),
		Plan:        r.plan,
		Measured:    m.last.at - m.first.at,
		Interrupted: interrupted,
		Sessions:    c.sessions,
		Failed:      c.failed,
		Dropped:     c.dropped,
		Unfinished:  c.unfinished,
		Latencies:   map[Operation]Latency{},
		Failures:    failed.list(),
		Intervals:   m.intervals,
		Generator:   m.generator(),
		Agents:      1,
	}
	for o, h := range latencies {
		result.Latencies[o] = summarize(h)
	}
	result.sumIntervals()
	if r.options.ServerPID != 0 {
		result.Server = m.server(r.options.ServerPID, result.Files, result.Bytes)
	}
	result.Warnings = result.doubts()
	return result
}

// sumIntervals computes what was done in the measured time.
func (r *Result) sumIntervals() {
	sessions := int64(0)
	r.Files, r.Bytes = 0, 0
	for _, i := range r.Intervals {
		if i.Measured {
			sessions += i.Sessions
			r.Files += i.Files
			r.Bytes += i.Bytes
		}
	}
	if seconds := r.Measured.Seconds(); seconds > 0 {
		r.Done = Rates{
			Sessions: float64(sessions) / seconds,
			Files:    float64(r.Files) / seconds,
			MiB:      float64(r.Bytes) / (1 << 20) / seconds,
		}
	}
}

func (m *monitor) generator() Generator {
	length := m.last.at - m.first.at
	g := Generator{
		CPU:      m.last.own.CPU - m.first.own.CPU,
		PeakRSS:  ownUsage().Peak,
		Lag:      summarize(m.lag.histogram),
		GCCycles: m.last.gc.cycles - m.first.gc.cycles,
		GCCPU:    m.last.gc.cpu - m.first.gc.cpu,
		GCPause:  m.last.gc.longestPause(m.first.gc),
	}
	if length > 0 {
		g.Cores = g.CPU.Seconds() / length.Seconds()
		g.MachineIdle = (m.last.idle - m.first.idle).Seconds() / length.Seconds() / float64(runtime.NumCPU())
	}
	return g
}

func (m *monitor) server(pid int, files, bytes int64) *ServerUse {
	s := &ServerUse{PID: pid, CPU: max(m.last.server.CPU-m.first.server.CPU, 0)}
	for _, i := range m.intervals {
		s.PeakRSS = max(s.PeakRSS, i.ServerRSS)
	}
	s.PeakRSS = max(s.PeakRSS, m.last.server.Peak)
	if length := m.last.at - m.first.at; length > 0 {
		s.Cores = s.CPU.Seconds() / length.Seconds()
	}
	if files > 0 {
		s.PerFile = s.CPU / time.Duration(files)
	}
	if bytes > 0 {
		s.PerGiB = s.CPU.Seconds() / (float64(bytes) / (1 << 30))
	}
	return s
}

// Attempts is the number of sessions that were due in the measured time.
func (r *Result) Attempts() int64 { return r.Sessions + r.Failed + r.Dropped + r.Unfinished }

// SortedOperations returns the operations that were measured, in the order of a
// session.
func (r *Result) SortedOperations() []Operation {
	return slices.DeleteFunc(slices.Clone(Operations), func(o Operation) bool { return r.Latencies[o].Count == 0 })
}
