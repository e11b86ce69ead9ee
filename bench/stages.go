package bench

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Stage is a piece of a run in which a level goes from one value to another
// in a straight line.
type Stage struct {
	Duration time.Duration `json:"duration_ns"`
	From     float64       `json:"from"`
	To       float64       `json:"to"`
}

// Stages follow each other.
type Stages []Stage

// ParseStages reads stages as "10s:0-100,30s:100,5s:100-0": how long, and the
// level or its two ends.
func ParseStages(text string) (Stages, error) {
	var all Stages
	for part := range strings.SplitSeq(text, ",") {
		length, level, both := strings.Cut(strings.TrimSpace(part), ":")
		from, to, ramp := strings.Cut(level, "-")
		if !ramp {
			to = from
		}
		var s Stage
		var errs [3]error
		s.Duration, errs[0] = time.ParseDuration(length)
		s.From, errs[1] = strconv.ParseFloat(from, 64)
		s.To, errs[2] = strconv.ParseFloat(to, 64)
		if !both || errors.Join(errs[:]...) != nil {
			return nil, fmt.Errorf("the stage %q should be as 10s:100 or 10s:0-100", part)
		}
		all = append(all, s)
	}
	return all, all.check()
}

func (s Stages) check() error {
	for i, stage := range s {
		if stage.Duration <= 0 || !(stage.From >= 0) || !(stage.To >= 0) || math.IsInf(stage.From+stage.To, 1) {
			return fmt.Errorf("stage %d lasts %v from %g to %g: want a time above 0 and levels of 0 or more", i+1, stage.Duration, stage.From, stage.To)
		}
	}
	if s.Peak() <= 0 {
		return errors.New("no stage has a level above 0")
	}
	return nil
}

// Duration is how long all stages last.
func (s Stages) Duration() (total time.Duration) {
	for _, stage := range s {
		total += stage.Duration
	}
	return total
}

// Peak is the highest level.
func (s Stages) Peak() (peak float64) {
	for _, stage := range s {
		peak = max(peak, stage.From, stage.To)
	}
	return peak
}

// At returns the level at a time since the start; after the last stage it is 0.
func (s Stages) At(t time.Duration) float64 {
	for _, stage := range s {
		if t < stage.Duration {
			return stage.From + (stage.To-stage.From)*t.Seconds()/stage.Duration.Seconds()
		}
		t -= stage.Duration
	}
	return 0
}

// Above returns the first time, not before t, at which the level is above x. It
// is not ok if there is none.
func (s Stages) Above(x float64, t time.Duration) (_ time.Duration, ok bool) {
	start := time.Duration(0)
	for _, stage := range s {
		at := max(t-start, 0)
		end := start + stage.Duration
		if at < stage.Duration {
			level := stage.From + (stage.To-stage.From)*at.Seconds()/stage.Duration.Seconds()
			switch {
			case level > x:
				return start + at, true
			case stage.To > x: // it rises through x
				share := (x - stage.From) / (stage.To - stage.From)
				return start + time.Duration(share*float64(stage.Duration)) + 1, true
			}
		}
		start = end
	}
	return 0, false
}

// Due returns when arrival n, from 0, begins if the level is a rate per second:
// when the area under the level is n. It is not ok if that never comes.
func (s Stages) Due(n int64) (_ time.Duration, ok bool) {
	left := float64(n)
	start := time.Duration(0)
	for _, stage := range s {
		seconds := stage.Duration.Seconds()
		area := (stage.From + stage.To) / 2 * seconds
		if left < area {
			return start + time.Duration(stage.reach(left)*float64(time.Second)), true
		}
		left -= area
		start += stage.Duration
	}
	return 0, false
}

// reach returns the seconds until the area from the stage's start is a: the
// root of slope/2·t² + From·t = a, in the form that does not cancel.
func (s Stage) reach(a float64) float64 {
	slope := (s.To - s.From) / s.Duration.Seconds()
	root := math.Sqrt(max(s.From*s.From+2*slope*a, 0))
	if s.From+root == 0 {
		return 0
	}
	return 2 * a / (s.From + root)
}
