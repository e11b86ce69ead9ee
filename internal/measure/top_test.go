package measure

import (
	"math"
	"testing"
	"time"
)

// A steady rate is told as it is, a past one is forgotten by halves, and it stays
// so over a time that would overflow the weights.
func TestTopTellsRates(t *testing.T) {
	var top Top[string]
	now := time.Unix(0, 0)
	steady := func(k string, perSecond int64, seconds int) {
		for range seconds {
			now = now.Add(time.Second)
			top.Add(k, perSecond, now)
		}
	}
	steady("a", 1000, 120)
	if r := top.Rank(5, now); len(r) != 1 || r[0].Key != "a" || math.Abs(r[0].Rate-1000) > 50 {
		t.Errorf("%v, want a with 1000 a second", r)
	}
	before := top.Rank(1, now)[0].Rate
	now = now.Add(topHalfLife)
	if after := top.Rank(1, now)[0].Rate; math.Abs(after-before/2) > 1 {
		t.Errorf("%v after a half-life, %v before", after, before)
	}
	now = now.Add(10 * topRebase * topHalfLife)
	if r := top.Rank(5, now); len(r) != 0 {
		t.Errorf("%v is remembered for ever", r)
	}
	steady("b", 500, 120)
	if r := top.Rank(5, now); len(r) != 1 || r[0].Key != "b" || math.Abs(r[0].Rate-500) > 25 {
		t.Errorf("%v, want b with 500 a second", r)
	}
}

// The heavy are found among very many, in the memory of a few.
func TestTopFindsTheHeavyAmongMany(t *testing.T) {
	var top Top[int]
	now := time.Unix(0, 0)
	for i := range 100_000 {
		top.Add(1_000_000+i, 10, now)
		if i%10 == 0 {
			top.Add(i/10%3, 1000, now)
		}
	}
	r := top.Rank(3, now)
	found := map[int]bool{}
	for _, k := range r {
		found[k.Key] = true
	}
	if !found[0] || !found[1] || !found[2] || len(top.slots) != topKeys || len(top.index) != topKeys {
		t.Errorf("%v, %d slots", r, len(top.slots))
	}
}

func BenchmarkTopAdd(b *testing.B) {
	var top Top[[16]byte]
	var key [16]byte
	now := time.Unix(0, 0)
	for i := 0; b.Loop(); i++ {
		key[0], key[1] = byte(i), byte(i>>8)
		top.Add(key, 1024, now)
	}
}
