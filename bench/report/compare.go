package report

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/sealquay/sealquay/bench"
)

// significant is how unlikely chance must be before a difference is named one.
// It is strict, because the seconds of a run are not independent of each other.
const significant = 0.01

// fewest is how many seconds a run needs to say anything about noise.
const fewest = 8

// A series is a figure of each measured second.
type series struct {
	name   string
	higher bool // is better
	of     func(bench.Interval) (float64, bool)
	format func(float64) string
}

func perSecond(count func(bench.Interval) int64) func(bench.Interval) (float64, bool) {
	return func(i bench.Interval) (float64, bool) {
		return float64(count(i)) / i.Length.Seconds(), i.Length.Seconds() > 0.5
	}
}

func latency(of func(bench.Latency) float64) func(bench.Interval) (float64, bool) {
	return func(i bench.Interval) (float64, bool) { return of(i.Latency), i.Latency.Count > 0 }
}

func rate(v float64) string { return fmt.Sprintf("%.1f", v) }

func inMilliseconds(v float64) string { return fmt.Sprintf("%.3f ms", v) }

var compared = []series{
	{"sessions/s", true, perSecond(func(i bench.Interval) int64 { return i.Sessions }), rate},
	{"files/s", true, perSecond(func(i bench.Interval) int64 { return i.Files }), rate},
	{"MiB/s", true, func(i bench.Interval) (float64, bool) {
		v, ok := perSecond(func(i bench.Interval) int64 { return i.Bytes })(i)
		return v / (1 << 20), ok
	}, rate},
	{"session p50", false, latency(func(l bench.Latency) float64 { return milliseconds(l.P50) }), inMilliseconds},
	{"session p90", false, latency(func(l bench.Latency) float64 { return milliseconds(l.P90) }), inMilliseconds},
	{"session p99", false, latency(func(l bench.Latency) float64 { return milliseconds(l.P99) }), inMilliseconds},
	{"server CPU", false, func(i bench.Interval) (float64, bool) {
		return i.ServerCPU.Seconds() / i.Length.Seconds(), i.ServerCPU > 0
	}, func(v float64) string { return fmt.Sprintf("%.2f cores", v) }},
}

// values returns the figure of all measured seconds, sorted.
func (s series) values(r *bench.Result) (all []float64) {
	for _, i := range r.Intervals {
		if v, ok := s.of(i); ok && i.Measured {
			all = append(all, v)
		}
	}
	slices.Sort(all)
	return all
}

// Compare writes what changed from a to b. Of every figure the seconds of both
// runs are compared by the Mann-Whitney U test; a difference that chance
// explains is written as ~.
func Compare(w io.Writer, a, b *bench.Result) error {
	t := &text{w: w}
	for _, difference := range unlike(a, b) {
		t.line("not alike: %s", difference)
	}
	rows := []string{"by second\tbefore\t±\tafter\t±\tchange\tp"}
	for _, s := range compared {
		before, after := s.values(a), s.values(b)
		if len(before) > 0 && len(after) > 0 {
			rows = append(rows, s.row(before, after))
		}
	}
	t.table(rows)
	t.line("")
	rows = []string{"whole run\tbefore\tafter\tchange"}
	for _, o := range a.SortedOperations() {
		before, after := a.Latencies[o], b.Latencies[o]
		if after.Count > 0 {
			rows = append(rows, fmt.Sprintf("%s p99\t%s\t%s\t%s", operationNames[o], Duration(before.P99), Duration(after.P99), change(float64(before.P99), float64(after.P99))))
		}
	}
	rows = append(rows, fmt.Sprintf("errors\t%d of %d\t%d of %d\t", a.Failed, a.Attempts(), b.Failed, b.Attempts()))
	t.table(rows)
	t.line("")
	t.line("~: chance explains it (Mann-Whitney U over the seconds, p > %g, or fewer than %d seconds). ±: 95 %% confidence of the median.", significant, fewest)
	t.line("Two runs of one program differ too: repeat both before believing a small change.")
	return t.err
}

func (s series) row(before, after []float64) string {
	p := mannWhitney(before, after)
	verdict, chance := "~", fmt.Sprintf("%.3f", p)
	if min(len(before), len(after)) < fewest {
		chance = "-"
	} else if p <= significant {
		verdict = change(median(before), median(after))
		if (median(after) > median(before)) == s.higher {
			verdict += " better"
		} else {
			verdict += " worse"
		}
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s", s.name,
		s.format(median(before)), halfWidth(before), s.format(median(after)), halfWidth(after), verdict, chance)
}

func change(before, after float64) string {
	if before == 0 {
		return ""
	}
	return fmt.Sprintf("%+.1f %%", 100*(after/before-1))
}

// median returns the median of sorted values.
func median(v []float64) float64 {
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// halfWidth writes half of the 95 % confidence interval of the median, from
// order statistics (normal approximation of the binomial).
func halfWidth(v []float64) string {
	n := float64(len(v))
	spread := 1.96 * math.Sqrt(n) / 2
	low, high := int(math.Floor(n/2-spread)), int(math.Ceil(n/2+spread))
	if low < 0 || high >= len(v) || median(v) == 0 {
		return "?"
	}
	return fmt.Sprintf("%.1f %%", 50*(v[high]-v[low])/median(v))
}

// mannWhitney returns the two-sided p of the U test for two sorted samples, by
// the normal approximation with the correction for ties (Mann & Whitney 1947).
func mannWhitney(a, b []float64) float64 {
	n, m := float64(len(a)), float64(len(b))
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	ties := 0.0
	rankSum := 0.0
	for start := 0; start < len(all); {
		end := start
		for end < len(all) && all[end] == all[start] {
			end++
		}
		t := float64(end - start)
		ties += t*t*t - t
		from, to := bounds(a, all[start])
		rankSum += float64(to-from) * (float64(start+1) + float64(end)) / 2
		start = end
	}
	u := rankSum - n*(n+1)/2
	total := n + m
	variance := n * m / 12 * (total + 1 - ties/(total*(total-1)))
	if !(variance > 0) {
		return 1
	}
	z := max(math.Abs(u-n*m/2)-0.5, 0) / math.Sqrt(variance)
	return math.Erfc(z / math.Sqrt2)
}

// bounds returns where v stands in sorted values.
func bounds(values []float64, v float64) (from, to int) {
	from, _ = slices.BinarySearch(values, v)
	to = from
	for to < len(values) && values[to] == v {
		to++
	}
	return from, to
}

// unlike says what else differs between the runs.
func unlike(a, b *bench.Result) (all []string) {
	for _, c := range []struct{ name, before, after string }{
		{"model", string(a.Plan.Model), string(b.Plan.Model)},
		{"load", Load(&a.Plan), Load(&b.Plan)},
		{"mix", mixText(a.Plan.Mix), mixText(b.Plan.Mix)},
		{"sizes", a.Plan.Sizes.String(), b.Plan.Sizes.String()},
		{"sealing", sealingText(&a.Plan), sealingText(&b.Plan)},
		{"processor", cpuText(a), cpuText(b)},
		{"kernel", a.Environment.Kernel, b.Environment.Kernel},
		{"Go", a.Environment.Go, b.Environment.Go},
		{"version", a.Environment.Version, b.Environment.Version},
		{"agents", fmt.Sprint(a.Agents), fmt.Sprint(b.Agents)},
	} {
		if c.before != c.after {
			all = append(all, fmt.Sprintf("%s: %s before, %s after", c.name, c.before, c.after))
		}
	}
	return all
}

func cpuText(r *bench.Result) string {
	return fmt.Sprintf("%s × %d", r.Environment.CPU, r.Environment.Processors)
}
