package handlers

import "time"

// bandwidthAhead is how much of its bandwidth a client that was silent may use
// at once, as a time.
const bandwidthAhead = time.Second

// take counts n bytes of content, over all connections of the client, and
// returns how long it must be silent to stay within rate bytes a second.
func (c *client) take(n int, rate int64, now time.Time) time.Duration {
	if rate == 0 {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if earliest := now.Add(-bandwidthAhead); c.taken.Before(earliest) {
		c.taken = earliest
	}
	c.taken = c.taken.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
	return max(c.taken.Sub(now), 0)
}
