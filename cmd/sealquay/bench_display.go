package main

import (
	"fmt"
	"io"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/bench/report"
)

// A benchDisplay shows a run while it goes on.
type benchDisplay interface {
	// interval tells what happened in a second. It is called by one goroutine.
	interval(bench.Interval, *hdrhistogram.Histogram)
	// end leaves the output in order; nothing is shown after it.
	end()
}

// newBenchDisplay shows a screen on a terminal and plain lines elsewhere.
// interrupt is called when a key asks to end the run.
func newBenchDisplay(to io.Writer, p *bench.Plan, interrupt func()) benchDisplay {
	if isTerminal(to) {
		return newBenchScreen(to, p, interrupt)
	}
	fmt.Fprintf(to, "%s model: %s\n", p.Model, report.Load(p))
	return benchLines{to}
}

// benchLines prints a line a second.
type benchLines struct{ to io.Writer }

func (l benchLines) interval(i bench.Interval, _ *hdrhistogram.Histogram) {
	phase, seconds := "", i.Length.Seconds()
	if !i.Measured {
		phase, seconds = "  not measured", max(seconds, 1) // the last of them may be short
	}
	fmt.Fprintf(l.to, "%6.1f s  active %d  sessions/s %.1f  files/s %.1f  MiB/s %.2f  p50 %s  p99 %s  failed %d  dropped %d%s\n",
		i.End.Seconds(), i.Active, float64(i.Sessions)/seconds, float64(i.Files)/seconds, float64(i.Bytes)/(1<<20)/seconds,
		report.Duration(i.Latency.P50), report.Duration(i.Latency.P99), i.Failed, i.Dropped, phase)
}

func (l benchLines) end() {}
