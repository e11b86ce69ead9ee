package measure

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// The buckets of Times: each power of two of timesUnit is divided into
// timesParts, so that a quantile is known to within an eighth. The last holds
// what takes longer than the longest bound, 52.4 s.
const (
	timesUnit    = 100 * time.Microsecond
	timesDoubles = 20
	timesParts   = 4
	timesBuckets = 1 + (timesDoubles-1)*timesParts + 1
)

// Times is a histogram of durations. Its zero value is ready. Safe for
// concurrent use; observing allocates nothing and costs two atomic additions.
type Times struct {
	buckets [timesBuckets]atomic.Int64
	sum     atomic.Int64 // ns
}

// Observe counts d. A negative one counts as none: clocks jump.
func (t *Times) Observe(d time.Duration) {
	d = max(d, 0)
	t.buckets[timesBucket(d)].Add(1)
	t.sum.Add(int64(d))
}

// timesBucket returns the bucket of d: the first one whose bound is not below it.
func timesBucket(d time.Duration) int {
	units := uint64(d-1) / uint64(timesUnit)
	if d <= timesUnit {
		return 0
	}
	double := bits.Len64(units) - 1 // d is above timesUnit<<double and not above twice that
	if double >= timesDoubles-1 {
		return timesBuckets - 1
	}
	low := uint64(timesUnit) << double
	part := (uint64(d-1) - low) * timesParts / low
	return 1 + double*timesParts + int(part)
}

// TimesBound returns the longest duration in bucket i; the last has no bound,
// and 0 is returned.
func TimesBound(i int) time.Duration {
	switch {
	case i == 0:
		return timesUnit
	case i >= timesBuckets-1:
		return 0
	}
	low := timesUnit << ((i - 1) / timesParts)
	return low + low/timesParts*time.Duration((i-1)%timesParts+1)
}

// TimesSnapshot is what Times held at a moment. Counts that change meanwhile are
// in it or not.
type TimesSnapshot struct {
	Buckets [timesBuckets]int64
	Sum     time.Duration
}

// Load reads the histogram into s.
func (t *Times) Load() (s TimesSnapshot) {
	s.Sum = time.Duration(t.sum.Load())
	for i := range t.buckets {
		s.Buckets[i] = t.buckets[i].Load()
	}
	return s
}

// Count returns how many durations were observed.
func (s *TimesSnapshot) Count() (n int64) {
	for _, b := range s.Buckets {
		n += b
	}
	return n
}

// Add adds what o holds.
func (s *TimesSnapshot) Add(o *TimesSnapshot) {
	for i, n := range o.Buckets {
		s.Buckets[i] += n
	}
	s.Sum += o.Sum
}

// Since returns what was observed after earlier was taken.
func (s *TimesSnapshot) Since(earlier *TimesSnapshot) (d TimesSnapshot) {
	for i, n := range s.Buckets {
		d.Buckets[i] = n - earlier.Buckets[i]
	}
	d.Sum = s.Sum - earlier.Sum
	return d
}

// Quantile returns the duration that the share q (0 to 1) of all is not above,
// interpolated within its bucket; 0 if there is none. Beyond the longest bound
// it is that bound.
func (s *TimesSnapshot) Quantile(q float64) time.Duration {
	rank := q * float64(s.Count())
	if rank == 0 {
		return 0
	}
	below := time.Duration(0)
	for i, n := range s.Buckets {
		bound := TimesBound(i)
		if i == timesBuckets-1 {
			break
		}
		if float64(n) >= rank && n > 0 {
			return below + time.Duration(rank/float64(n)*float64(bound-below))
		}
		rank -= float64(n)
		below = bound
	}
	return below
}

// Cumulative calls f with every doubled bound, from 100 µs to 52.4 s, and how
// many were not above it: the coarse view, for those who store every bucket.
func (s *TimesSnapshot) Cumulative(f func(bound time.Duration, count int64)) {
	count := int64(0)
	for i, n := range s.Buckets[:timesBuckets-1] {
		count += n
		if i%timesParts == 0 {
			f(TimesBound(i), count)
		}
	}
}
