package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sealquay/sealquay/bench"
)

// operationNames says what the operations are, to people.
var operationNames = map[bench.Operation]string{
	bench.Connect:      "connect",
	bench.Registration: "1100 registration",
	bench.PublicKey:    "1101 public key",
	bench.Upload:       "1103 encrypted file",
	bench.InvalidCRC:   "1105 invalid CRC",
	bench.ValidCRC:     "1104 valid CRC (durable)",
	bench.Session:      "session",
	bench.Uncorrected:  "session, uncorrected",
	bench.Wait:         "wait for a free client",
}

// nameIn names an operation of the result.
func nameIn(r *bench.Result, o bench.Operation) string {
	if o == bench.Session && r.Plan.Model == bench.Open {
		return "session, from when it was due"
	}
	return operationNames[o]
}

// Text writes the result as a table for people.
func Text(w io.Writer, r *bench.Result) error {
	t := &text{w: w}
	t.heading(r)
	t.totals(r)
	t.latencies(r)
	t.failures(r)
	t.resources(r)
	t.verification(r.Verification)
	for _, warning := range r.Warnings {
		t.line("warning: %s", warning)
	}
	return t.err
}

// text writes lines until the first error.
type text struct {
	w   io.Writer
	err error
}

func (t *text) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

// table writes rows whose cells are separated by tabs; all but the first column
// are aligned to the right.
func (t *text) table(rows []string) {
	if t.err != nil {
		return
	}
	tw := tabwriter.NewWriter(t.w, 0, 8, 2, ' ', tabwriter.AlignRight)
	width := 0
	for _, row := range rows {
		first, _, _ := strings.Cut(row, "\t")
		width = max(width, len(first))
	}
	for _, row := range rows {
		first, rest, _ := strings.Cut(row, "\t")
		fmt.Fprintf(tw, "%-*s\t%s\t\n", width, first, rest)
	}
	t.err = tw.Flush()
}

func (t *text) heading(r *bench.Result) {
	p, e := &r.Plan, &r.Environment
	t.line("%s model against %s (%s dialect): %s", p.Model, p.Target, p.Dialect, Load(p))
	t.line("%s of %s, content %s, %d RSA keys, seed %d", mixText(p.Mix), p.Sizes, sealingText(p), p.Keys, p.Seed)
	t.line("%s, %d processors, %s, %s, sealquay %s", e.CPU, e.Processors, e.Kernel, e.Go, e.Version)
	if r.Agents > 1 {
		t.line("%d agents, their histograms merged", r.Agents)
	}
	if r.Interrupted {
		t.line("Interrupted: this is the report so far.")
	}
	t.line("")
}

// Load describes the stages of a plan.
func Load(p *bench.Plan) string {
	unit := "clients"
	if p.Model == bench.Open {
		unit = "sessions/s"
	}
	var parts []string
	for _, s := range p.Stages {
		level := fmt.Sprintf("%g", s.From)
		if s.To != s.From {
			level = fmt.Sprintf("%g to %g", s.From, s.To)
		}
		parts = append(parts, fmt.Sprintf("%s %s for %v", level, unit, s.Duration))
	}
	text := strings.Join(parts, ", then ")
	if p.Model == bench.Open {
		text += fmt.Sprintf(", by at most %d clients", p.Clients)
	}
	if p.Warmup > 0 {
		text += fmt.Sprintf("; the first %v are left out", p.Warmup)
	}
	return text
}

func mixText(m bench.Mix) string {
	var parts []string
	for _, s := range m {
		if len(m) == 1 {
			return s.Scenario
		}
		parts = append(parts, fmt.Sprintf("%s=%d", s.Scenario, s.Weight))
	}
	return strings.Join(parts, ",")
}

func sealingText(p *bench.Plan) string {
	if p.Precompute {
		return "encrypted before its upload is timed"
	}
	return "encrypted while it is sent"
}

func (t *text) totals(r *bench.Result) {
	t.line("%.1f sessions/s   %.1f files/s   %.2f MiB/s   over %v",
		r.Done.Sessions, r.Done.Files, r.Done.MiB, r.Measured.Round(time.Millisecond))
	t.line("%d sessions were due: %d succeeded, %d failed, %d dropped, %d unfinished",
		r.Attempts(), r.Sessions, r.Failed, r.Dropped, r.Unfinished)
	t.line("")
}

func (t *text) latencies(r *bench.Result) {
	operations := r.SortedOperations()
	if len(operations) == 0 {
		return
	}
	rows := []string{"latency\tcount\tmin\tp50\tp90\tp99\tp99.9\tp99.99\tmax"}
	for _, o := range operations {
		l := r.Latencies[o]
		row := fmt.Sprintf("%s\t%d", nameIn(r, o), l.Count)
		for _, d := range []time.Duration{l.Min, l.P50, l.P90, l.P99, l.P999, l.P9999, l.Max} {
			row += "\t" + Duration(d)
		}
		rows = append(rows, row)
	}
	t.table(rows)
	t.line("")
}

// Duration writes a latency with three digits.
func Duration(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.0f µs", d.Seconds()*1e6)
}

func (t *text) failures(r *bench.Result) {
	if len(r.Failures) == 0 {
		return
	}
	rows := []string{"errors\tcount"}
	for _, f := range r.Failures {
		rows = append(rows, fmt.Sprintf("%s\t%d", FailureName(f), f.Count))
	}
	t.table(rows)
	for _, f := range r.Failures {
		t.line("  %s: %s", FailureName(f), f.Example)
	}
	t.line("")
}

// FailureName names a kind of failure.
func FailureName(f bench.Failure) string {
	if f.Request == 0 {
		return f.Kind
	}
	return fmt.Sprintf("%d %s", f.Request, f.Kind)
}

func (t *text) resources(r *bench.Result) {
	if s := r.Server; s != nil {
		t.line("server     %.2f processors, %v of CPU a file, %.2f CPU s/GiB, %s resident at most",
			s.Cores, s.PerFile.Round(time.Microsecond), s.PerGiB, Bytes(s.PeakRSS))
	}
	g := r.Generator
	t.line("generator  %.2f processors, %s resident at most, woke up late by %s (p99) and %s (max), %d garbage collections (%s of CPU, longest pause %s)",
		g.Cores, Bytes(g.PeakRSS), Duration(g.Lag.P99), Duration(g.Lag.Max), g.GCCycles, Duration(g.GCCPU), Duration(g.GCPause))
}

// Bytes writes a size with its unit.
func Bytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

func (t *text) verification(v *bench.Verification) {
	if v == nil {
		return
	}
	if v.Proven() {
		t.line("verified   all %d acknowledged files are stored, with the very content (%s read back)", v.Acknowledged, Bytes(v.Bytes))
		return
	}
	t.line("NOT VERIFIED: of %d acknowledged files %d are there, %d are missing, %d are wrong", v.Acknowledged, v.Found, v.Missing, v.Wrong)
	for _, example := range v.Examples {
		t.line("  %s", example)
	}
}
