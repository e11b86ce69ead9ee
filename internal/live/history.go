package live

import (
	"math"
	"strconv"
	"time"

	"github.com/sealquay/sealquay/internal/measure"
)

// The curves of the page, in the order of a point.
const (
	curveConnections = iota
	curvePaused
	curveUploads
	curveReceived // bytes of content a second
	curveSessions // a second
	curveFiles    // verified, a second
	curveP50      // s, of answers
	curveP99
	curveRefused // a second
	curveMemory  // bytes
	curveWaiting // connections with work that waits for a goroutine
	curveJobs    // changes of rows that wait for a commit
	curveCommit  // s, 99 %
	curveFlush
	curveCPU // processors
	curves
)

// curveNames are what the page calls them.
var curveNames = [curves]string{
	"connections", "paused", "uploads", "received", "sessions", "files", "p50", "p99", "refused", "memory",
	"waiting", "jobs", "commit", "flush", "cpu",
}

// value is a number of the page, with five digits; NaN is null.
type value float64

// MarshalJSON writes it.
func (v value) MarshalJSON() ([]byte, error) {
	if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return strconv.AppendFloat(nil, f, 'g', digits(f), 64), nil
	}
	return []byte("null"), nil
}

// digits keeps whole numbers whole.
func digits(f float64) int {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return -1
	}
	return 5
}

// A point is the value of every curve in one second.
type point [curves]value

// pointOf tells what happened from one reading to a later one. Latencies are
// those since long ago, which is a few seconds earlier: of one second alone they
// jump.
func pointOf(long, before, now *reading) (p point) {
	seconds := max(now.at.Sub(before.at).Seconds(), 1e-3)
	rate := func(of func(*reading) int64) value { return value(float64(of(now)-of(before)) / seconds) }
	p[curveConnections] = value(now.reactor.Open)
	p[curvePaused] = value(now.reactor.Paused)
	p[curveUploads] = value(now.reactor.Uploads)
	p[curveReceived] = rate(func(r *reading) int64 { return r.handlers.Content })
	p[curveSessions] = rate(func(r *reading) int64 { return r.reactor.Sessions })
	p[curveFiles] = rate(func(r *reading) int64 { return r.handlers.Verified })
	p[curveRefused] = rate((*reading).refused)
	p[curveMemory] = value(now.reactor.Memory.Used)
	p[curveWaiting] = value(now.reactor.Content.Queued + now.reactor.Requests.Queued)
	p[curveJobs] = value(now.store.Waiting)
	p[curveCPU] = value((now.cpu - before.cpu).Seconds() / seconds)

	early, late := long.answers(), now.answers()
	p[curveP50], p[curveP99] = quantile(&early, &late, 0.5), quantile(&early, &late, 0.99)
	p[curveCommit] = quantile(&long.store.Commits, &now.store.Commits, 0.99)
	p[curveFlush] = quantile(&long.store.Flushes, &now.store.Flushes, 0.99)
	return p
}

// quantile is of what was observed between two snapshots; NaN if nothing was.
func quantile(early, late *measure.TimesSnapshot, q float64) value {
	since := late.Since(early)
	if since.Count() == 0 {
		return value(math.NaN())
	}
	return value(since.Quantile(q).Seconds())
}

const (
	// kept is how many seconds the curves go back.
	kept = 300
	// window is over how many of them latencies and rates in tables are taken.
	window = 5
)

// A history holds the last points and readings.
type history struct {
	times    []int64 // ms since 1970
	points   []point
	readings []*reading // the last window + 1, the newest last
}

// add notes a reading. The first one makes no point.
func (h *history) add(r *reading) {
	if n := len(h.readings); n > 0 {
		h.times = append(h.times, r.at.UnixMilli())
		h.points = append(h.points, pointOf(h.readings[0], h.readings[n-1], r))
		if len(h.points) > kept {
			h.times = append(h.times[:0], h.times[1:]...)
			h.points = append(h.points[:0], h.points[1:]...)
		}
	}
	h.readings = append(h.readings, r)
	if len(h.readings) > window+1 {
		h.readings = append(h.readings[:0], h.readings[1:]...)
	}
}

func (h *history) newest() *reading { return h.readings[len(h.readings)-1] }

// age returns the time between two readings in seconds, at least a little.
func age(early, late *reading) float64 { return max(late.at.Sub(early.at), time.Millisecond).Seconds() }
