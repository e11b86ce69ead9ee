package measure

import "sync/atomic"

// Counts has a counter for each of a closed set of keys. Safe for concurrent
// use; counting allocates nothing.
type Counts[K comparable] struct {
	byKey map[K]*atomic.Int64 // is not changed
	other atomic.Int64        // of keys that are not in the set
}

// NewCounts makes counters for these keys.
func NewCounts[K comparable](keys ...K) *Counts[K] {
	c := &Counts[K]{byKey: make(map[K]*atomic.Int64, len(keys))}
	for _, k := range keys {
		c.byKey[k] = new(atomic.Int64)
	}
	return c
}

// Add counts one more of k.
func (c *Counts[K]) Add(k K) {
	if n := c.byKey[k]; n != nil {
		n.Add(1)
		return
	}
	c.other.Add(1)
}

// Load returns the count of every key. What was counted of keys outside the set
// has the zero key, if there is any.
func (c *Counts[K]) Load() map[K]int64 {
	all := make(map[K]int64, len(c.byKey)+1)
	if n := c.other.Load(); n > 0 {
		var zero K
		all[zero] = n
	}
	for k, n := range c.byKey {
		all[k] = n.Load()
	}
	return all
}
