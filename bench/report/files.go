package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sealquay/sealquay/bench"
)

// JSON writes the result as docs/BENCHMARKS.md describes it.
func JSON(w io.Writer, r *bench.Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Read reads a result that JSON wrote to a file.
func Read(path string) (*bench.Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(bench.Result)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s is no result of bench: %w", path, err)
	}
	if r.Version != bench.ResultVersion {
		return nil, fmt.Errorf("%s is a result of version %d; this program reads version %d", path, r.Version, bench.ResultVersion)
	}
	return r, nil
}

// CSV writes a line for each second. Times are in seconds, latencies in
// milliseconds, sizes in bytes; warm-up and grace have 0 in the column measured.
func CSV(w io.Writer, r *bench.Result) error {
	t := &text{w: w}
	t.line("second,length,measured,level,active,sessions,failed,dropped,files,bytes,p50_ms,p90_ms,p99_ms,max_ms,server_cpu,server_rss,own_cpu,own_rss")
	for _, i := range r.Intervals {
		measured := 0
		if i.Measured {
			measured = 1
		}
		t.line("%.3f,%.3f,%d,%g,%d,%d,%d,%d,%d,%d,%.3f,%.3f,%.3f,%.3f,%.2f,%d,%.2f,%d",
			i.End.Seconds(), i.Length.Seconds(), measured, i.Level, i.Active, i.Sessions, i.Failed, i.Dropped, i.Files, i.Bytes,
			milliseconds(i.Latency.P50), milliseconds(i.Latency.P90), milliseconds(i.Latency.P99), milliseconds(i.Latency.Max),
			i.ServerCPU.Seconds(), i.ServerRSS, i.OwnCPU.Seconds(), i.OwnRSS)
	}
	return t.err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// HistogramLog writes the session latencies of each second as HdrHistogram's
// tools read them (.hlog): a tag for each measured operation is at the end.
func HistogramLog(w io.Writer, r *bench.Result) error {
	log := hdrhistogram.NewHistogramLogWriter(w)
	steps := []error{
		log.OutputComment("[Latencies of sessions in nanoseconds, by sealquay bench]"),
		log.OutputLogFormatVersion(),
		log.OutputStartTime(r.Started.UnixMilli()),
		log.OutputLegend(),
	}
	intervals, err := r.DecodeIntervals()
	steps = append(steps, err)
	for _, i := range intervals {
		steps = append(steps, outputHistogram(log, r, "", i))
	}
	for _, o := range r.SortedOperations() {
		h, err := r.Latencies[o].Decode()
		steps = append(steps, err)
		if err == nil {
			end := r.Plan.Warmup + r.Measured
			steps = append(steps, outputHistogram(log, r, "total-"+strings.ReplaceAll(string(o), "_", "-"), bench.Decoded{Start: r.Plan.Warmup, End: end, Histogram: h}))
		}
	}
	for _, err := range steps {
		if err != nil {
			return err
		}
	}
	return nil
}

func outputHistogram(log *hdrhistogram.HistogramLogWriter, r *bench.Result, tag string, d bench.Decoded) error {
	h := d.Histogram
	h.SetTag(tag)
	h.SetStartTimeMs(r.Started.Add(d.Start).UnixMilli())
	h.SetEndTimeMs(r.Started.Add(d.End).UnixMilli())
	return log.OutputIntervalHistogram(h)
}
