package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sealquay/sealquay/bench"
)

// A Condition is what a result must fulfil, as `p99<50ms` or `1104.p99.9<1s`,
// `errors<0.1%`, `dropped<=0`, `files/s>1000`.
type Condition struct {
	text     string
	measure  func(*bench.Result) (float64, error)
	less     bool
	orEqual  bool
	limit    float64
	toString func(float64) string
}

var conditionForm = regexp.MustCompile(`^([a-z0-9_./]+)\s*(<=|>=|<|>)\s*([0-9.]+)\s*(%|[a-zµ]*)$`)

// ParseCondition reads a condition.
func ParseCondition(text string) (Condition, error) {
	part := conditionForm.FindStringSubmatch(strings.TrimSpace(text))
	if part == nil {
		return Condition{}, fmt.Errorf("the condition %q should be as p99<50ms, 1104.p99<1s, errors<0.1%% or files/s>100", text)
	}
	c := Condition{text: text, less: part[2][0] == '<', orEqual: len(part[2]) == 2}
	var err error
	if c.limit, err = c.choose(part[1], part[3], part[4]); err != nil {
		return Condition{}, fmt.Errorf("the condition %q: %w", text, err)
	}
	return c, nil
}

// choose decides on what is measured, and returns the limit in its unit.
func (c *Condition) choose(what, number, unit string) (float64, error) {
	if measure, is := rates[what]; is {
		c.measure, c.toString = measure, func(v float64) string { return fmt.Sprintf("%.1f", v) }
		return plain(number, unit)
	}
	if measure, is := shares[what]; is {
		return c.chooseShare(measure, number, unit)
	}
	operation, statistic, named := strings.Cut(what, ".")
	if _, known := operationNames[bench.Operation(operation)]; !named || !known {
		operation, statistic = string(bench.Session), what
	}
	latency, err := statisticOf(statistic)
	if err != nil {
		return 0, err
	}
	c.measure = func(r *bench.Result) (float64, error) {
		l, measured := r.Latencies[bench.Operation(operation)]
		if !measured {
			return 0, fmt.Errorf("%s was not measured", operation)
		}
		d, err := latency(l)
		return float64(d), err
	}
	c.toString = func(v float64) string { return Duration(time.Duration(v)) }
	limit, err := time.ParseDuration(number + unit)
	return float64(limit), err
}

func (c *Condition) chooseShare(measure func(*bench.Result) int64, number, unit string) (float64, error) {
	if unit != "%" {
		c.measure = func(r *bench.Result) (float64, error) { return float64(measure(r)), nil }
		c.toString = func(v float64) string { return fmt.Sprintf("%.0f", v) }
		return plain(number, unit)
	}
	c.measure = func(r *bench.Result) (float64, error) {
		if r.Attempts() == 0 {
			return 0, fmt.Errorf("no session was due")
		}
		return 100 * float64(measure(r)) / float64(r.Attempts()), nil
	}
	c.toString = func(v float64) string { return fmt.Sprintf("%.3g %%", v) }
	return plain(number, "")
}

func plain(number, unit string) (float64, error) {
	if unit != "" {
		return 0, fmt.Errorf("it has no unit %q", unit)
	}
	return strconv.ParseFloat(number, 64)
}

var rates = map[string]func(*bench.Result) (float64, error){
	"sessions/s": func(r *bench.Result) (float64, error) { return r.Done.Sessions, nil },
	"files/s":    func(r *bench.Result) (float64, error) { return r.Done.Files, nil },
	"mib/s":      func(r *bench.Result) (float64, error) { return r.Done.MiB, nil },
}

var shares = map[string]func(*bench.Result) int64{
	"errors":     func(r *bench.Result) int64 { return r.Failed },
	"dropped":    func(r *bench.Result) int64 { return r.Dropped },
	"unfinished": func(r *bench.Result) int64 { return r.Unfinished },
}

func statisticOf(name string) (func(bench.Latency) (time.Duration, error), error) {
	switch name {
	case "mean":
		return func(l bench.Latency) (time.Duration, error) { return l.Mean, nil }, nil
	case "max":
		return func(l bench.Latency) (time.Duration, error) { return l.Max, nil }, nil
	}
	if digits, is := strings.CutPrefix(name, "p"); is {
		if percent, err := strconv.ParseFloat(digits, 64); err == nil && percent > 0 && percent <= 100 {
			return func(l bench.Latency) (time.Duration, error) { return l.Percentile(percent) }, nil
		}
	}
	return nil, fmt.Errorf("%q is neither a percentile as p99.9, nor mean, max, errors, dropped, unfinished, sessions/s, files/s or mib/s", name)
}

// Judge reports whether the result fulfils the condition, and says so. What was
// not measured is not fulfilled.
func (c Condition) Judge(r *bench.Result) (ok bool, sentence string) {
	value, err := c.measure(r)
	if err != nil {
		return false, fmt.Sprintf("failed  %s: %v", c.text, err)
	}
	ok = value > c.limit
	if c.less {
		ok = value < c.limit
	}
	if ok = ok || c.orEqual && value == c.limit; ok {
		return true, fmt.Sprintf("passed  %s: %s", c.text, c.toString(value))
	}
	return false, fmt.Sprintf("failed  %s: %s", c.text, c.toString(value))
}
