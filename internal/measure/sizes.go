package measure

import (
	"math/bits"
	"sync/atomic"
)

// sizesBuckets are the powers of two from 1 to 1024, and what is above.
const sizesBuckets = 12

// Sizes is a histogram of small numbers, such as the jobs of a group. Its zero
// value is ready. Safe for concurrent use.
type Sizes struct {
	buckets [sizesBuckets]atomic.Int64
	sum     atomic.Int64
}

// Observe counts n, which is at least 1.
func (s *Sizes) Observe(n int) {
	s.buckets[min(bits.Len(uint(max(n, 1)-1)), sizesBuckets-1)].Add(1)
	s.sum.Add(int64(n))
}

// SizesSnapshot is what Sizes held at a moment.
type SizesSnapshot struct {
	Buckets [sizesBuckets]int64
	Sum     int64
}

// Load reads the histogram.
func (s *Sizes) Load() (l SizesSnapshot) {
	l.Sum = s.sum.Load()
	for i := range s.buckets {
		l.Buckets[i] = s.buckets[i].Load()
	}
	return l
}

// Count returns how many numbers were observed.
func (s *SizesSnapshot) Count() (n int64) {
	for _, b := range s.Buckets {
		n += b
	}
	return n
}

// Cumulative calls f with every bound, from 1 to 1024, and how many were not
// above it.
func (s *SizesSnapshot) Cumulative(f func(bound, count int64)) {
	count := int64(0)
	for i, n := range s.Buckets[:sizesBuckets-1] {
		count += n
		f(1<<i, count)
	}
}
