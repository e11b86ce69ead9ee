package measure

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	// topKeys is how many keys a Top remembers.
	topKeys = 64
	// topHalfLife is the time after which a weight counts half.
	topHalfLife = 10 * time.Second
	// topRebase is after how many half-lives the weights are brought down, long
	// before a float64 overflows.
	topRebase = 500
)

// A Top finds the keys with the most weight lately, in bounded memory whatever
// the number of keys: it is the Space-Saving summary (Metwally and others, ICDT
// 2005) over weights that decay forward in time (Cormode and others, ICDE 2009).
// A key of more than a 64th of all weight is always in it. The zero value is
// ready. Safe for concurrent use; a key that is in it costs a lookup.
type Top[K comparable] struct {
	mu    sync.Mutex
	start time.Time // whose weights count as they are; those of later moments count more
	slots []topSlot[K]
	index map[K]int
}

type topSlot[K comparable] struct {
	key    K
	weight float64 // at start
}

// Add adds weight to k.
func (t *Top[K]) Add(k K, weight int64, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.index == nil {
		t.index, t.start = make(map[K]int, topKeys), now
	}
	w := float64(weight) * t.factor(now)
	if i, known := t.index[k]; known {
		t.slots[i].weight += w
		return
	}
	if len(t.slots) < topKeys {
		t.index[k] = len(t.slots)
		t.slots = append(t.slots, topSlot[K]{k, w})
		return
	}
	least := 0
	for i := range t.slots {
		if t.slots[i].weight < t.slots[least].weight {
			least = i
		}
	}
	delete(t.index, t.slots[least].key)
	t.index[k] = least
	t.slots[least].key = k
	t.slots[least].weight += w // it may have had as much as the one that goes
}

// factor returns how much a weight of now counts against one of start. The lock
// is held.
func (t *Top[K]) factor(now time.Time) float64 {
	ages := now.Sub(t.start).Seconds() / topHalfLife.Seconds()
	if ages < topRebase {
		return math.Exp2(ages)
	}
	for i := range t.slots {
		t.slots[i].weight *= math.Exp2(-ages)
	}
	t.start = now
	return 1
}

// A Ranked is a key and its weight for each second lately.
type Ranked[K comparable] struct {
	Key  K
	Rate float64
}

// Rank returns up to n keys, the heaviest first, without those of less than one
// a second.
func (t *Top[K]) Rank(n int, now time.Time) (all []Ranked[K]) {
	t.mu.Lock()
	perSecond := math.Ln2 / topHalfLife.Seconds() / t.factor(now)
	for _, s := range t.slots {
		if rate := s.weight * perSecond; rate >= 1 {
			all = append(all, Ranked[K]{s.key, rate})
		}
	}
	t.mu.Unlock()
	slices.SortFunc(all, func(a, b Ranked[K]) int { return cmp.Compare(b.Rate, a.Rate) })
	return all[:min(n, len(all))]
}
