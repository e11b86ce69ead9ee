package measure

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Every duration is in the first bucket whose bound it does not exceed.
func TestTimesBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "d"))
		if rapid.Bool().Draw(t, "at a bound") {
			d = TimesBound(rapid.IntRange(0, timesBuckets-2).Draw(t, "bucket")) + time.Duration(rapid.IntRange(-1, 1).Draw(t, "beside"))
		}
		want := timesBuckets - 1
		for i := range timesBuckets - 1 {
			if d <= TimesBound(i) {
				want = i
				break
			}
		}
		if got := timesBucket(d); got != want {
			t.Fatalf("%v is in bucket %d (to %v), want %d (to %v)", d, got, TimesBound(got), want, TimesBound(want))
		}
	})
}

// A quantile is as near as the buckets allow: within a quarter of itself.
func TestTimesQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(math.Exp(rapid.Float64Range(math.Log(2e5), math.Log(4e10)).Draw(t, "ln")))
		}), 1, 200).Draw(t, "times")
		var h Times
		for _, d := range all {
			h.Observe(d)
		}
		s := h.Load()
		slices.Sort(all)
		for _, q := range []float64{0.5, 0.9, 0.99, 1} {
			want := all[int(math.Ceil(q*float64(len(all))))-1]
			if got := s.Quantile(q); float64(got) < 0.74*float64(want) || float64(got) > 1.26*float64(want) {
				t.Fatalf("quantile %v of %d is %v, want %v", q, len(all), got, want)
			}
		}
	})
}

func TestTimesSnapshots(t *testing.T) {
	var h Times
	for _, d := range []time.Duration{-1, 0, 100 * time.Microsecond, time.Millisecond, time.Second, time.Hour} {
		h.Observe(d)
	}
	before := h.Load()
	h.Observe(3 * time.Second)
	after := h.Load()
	since := after.Since(&before)
	if before.Count() != 6 || since.Count() != 1 || since.Sum != 3*time.Second {
		t.Errorf("%d before, %d after that, %v", before.Count(), since.Count(), since.Sum)
	}
	since.Add(&before)
	if since != after {
		t.Error("the parts are not the whole")
	}
	var bounds []time.Duration
	var counts []int64
	after.Cumulative(func(b time.Duration, n int64) { bounds, counts = append(bounds, b), append(counts, n) })
	if len(bounds) != 20 || bounds[0] != 100*time.Microsecond || bounds[19] != 52_428_800*time.Microsecond ||
		counts[0] != 3 || counts[4] != 4 || counts[19] != 6 || !slices.IsSorted(counts) {
		t.Errorf("%v\n%v", bounds, counts)
	}
	if (&TimesSnapshot{}).Quantile(0.5) != 0 {
		t.Error("nothing has a median")
	}
}

func TestSizes(t *testing.T) {
	var h Sizes
	for _, n := range []int{1, 2, 3, 4, 5, 256, 1024, 5000} {
		h.Observe(n)
	}
	s := h.Load()
	want := map[int64]int64{1: 1, 2: 2, 4: 4, 8: 5, 128: 5, 256: 6, 1024: 7}
	s.Cumulative(func(bound, count int64) {
		if n, listed := want[bound]; listed && n != count {
			t.Errorf("%d up to %d, want %d", count, bound, n)
		}
	})
	if s.Count() != 8 || s.Sum != 6295 {
		t.Errorf("%d numbers, %d in all", s.Count(), s.Sum)
	}
}

func TestCounts(t *testing.T) {
	c := NewCounts("a", "b")
	c.Add("a")
	c.Add("a")
	if got := c.Load(); len(got) != 2 || got["a"] != 2 || got["b"] != 0 {
		t.Errorf("%v", got)
	}
	c.Add("c")
	if got := c.Load(); got[""] != 1 || len(got) != 3 {
		t.Errorf("a key outside the set is lost: %v", got)
	}
}

func TestObservingAllocatesNothing(t *testing.T) {
	var times Times
	var sizes Sizes
	counts := NewCounts("a")
	if n := testing.AllocsPerRun(100, func() {
		times.Observe(time.Millisecond)
		sizes.Observe(3)
		counts.Add("a")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTimesObserve(b *testing.B) {
	var h Times
	b.RunParallel(func(p *testing.PB) {
		for d := time.Duration(1); p.Next(); d += 977 {
			h.Observe(d)
		}
	})
}
