package bench

import (
	"fmt"
	"time"
)

// Where a figure begins to say more about the generator than about the server.
const (
	busyGenerator = 0.85 // of GOMAXPROCS
	idleMachine   = 0.05
	lateness      = 10 * time.Millisecond
)

// doubts says in sentences what makes the figures doubtful.
func (r *Result) doubts() (all []string) {
	doubt := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	e, g := r.Environment, r.Generator
	e.Processors, e.GOMAXPROCS = max(e.Processors, 1), max(e.GOMAXPROCS, 1)
	busy := g.Cores / float64(e.GOMAXPROCS)
	share := g.Cores / float64(e.Processors)
	doubt(busy > busyGenerator, "The generator was the bottleneck: it used %.0f %% of the processors it may use. The server can do more than this.", 100*busy)
	doubt(busy <= busyGenerator && g.CPU > 0 && g.MachineIdle < idleMachine,
		"The machine had no processor left (%.0f %% idle): %s.", 100*g.MachineIdle, r.shares(share))
	doubt(g.Lag.P99 > lateness, "The generator woke up %v late or more in one of a hundred times: latencies are too high by up to as much.", g.Lag.P99.Round(time.Millisecond))
	doubt(g.GCPause > lateness, "A garbage collection stopped the generator for %v or more.", g.GCPause.Round(time.Millisecond))
	doubt(r.Dropped > 0, "%d arrivals were dropped: every one of the %d clients was busy for longer than an arrival may wait (%v).", r.Dropped, r.Plan.slots(), r.Plan.MaxWait)
	doubt(r.Unfinished > 0, "%d sessions were cut off at the end; no latency holds them.", r.Unfinished)
	doubt(r.Sessions == 0 && r.Attempts() > 0, "No session succeeded.")
	doubt(r.Attempts() == 0, "The run ended before the warm-up of %v did: nothing was measured.", r.Plan.Warmup)
	for _, f := range r.Failures {
		doubt(f.Kind == "no_ports", "This machine ran out of ports %d times: use more --sources.", f.Count)
		doubt(f.Kind == "no_descriptors", "This process ran out of descriptors %d times: raise ulimit -n.", f.Count)
	}
	return all
}

// shares says who took the processors.
func (r *Result) shares(generator float64) string {
	if r.Server == nil {
		return fmt.Sprintf("the generator took %.0f %%, the server and all else the rest. With the machine for itself the server would do more", 100*generator)
	}
	server := r.Server.Cores / float64(max(r.Environment.Processors, 1))
	others := max(1-generator-server-r.Generator.MachineIdle, 0)
	return fmt.Sprintf("the generator took %.0f %%, the server %.0f %%, all else %.0f %%. With the machine for itself the server would do more",
		100*generator, 100*server, 100*others)
}

// Describe puts the environment into the result, and says again what is
// doubtful in it.
func (r *Result) Describe(e Environment) {
	r.Environment = e
	r.Warnings = r.doubts()
}
