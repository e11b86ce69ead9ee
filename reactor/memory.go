package reactor

import "sync"

const (
	// largeChunk fits the second-level cache together with what decryption and
	// checksums need. It is what a fast connection is read into.
	largeChunk = 256 << 10
	// smallChunk is as large as the loops' read buffer, so that one always holds
	// what a loop has in hand.
	smallChunk = readBuffer
	readBuffer = 16 << 10
	// blockBytes is the granularity of content: pieces are cut at multiples of
	// it, because a cipher block cannot be opened in parts.
	blockBytes = 16
)

// A chunk is a piece of one connection's content on its way to a worker.
type chunk struct {
	buf []byte // of largeChunk or smallChunk bytes
	n   int    // bytes filled
}

func (c *chunk) free() []byte { return c.buf[c.n:] }

// A memory bounds what content takes and hands it out in chunks. Large chunks
// are granted only below the soft limit, and a connection that finds it exceeded
// waits, unread, until there is room again. Small chunks are always granted,
// because they take in what was read already. A waiting connection holds one of
// them at most: the space above the soft limit is for those.
type memory struct {
	soft int64 // bytes

	mu      sync.Mutex
	used    int64
	peak    int64
	large   []*chunk // free, the last used last: it may still be in the cache
	small   []*chunk
	waiting []*conn // in the order in which they began to wait
}

// newMemory divides total bytes: one small chunk for each of the connections is
// kept back, but never more than three quarters.
func newMemory(total int64, connections int) *memory {
	reserve := min(int64(connections)*smallChunk, total/4*3)
	return &memory{soft: max(total-reserve, largeChunk)}
}

// get returns an empty chunk: a large one if one is wanted and there is room,
// else a small one.
func (m *memory) get(large bool) *chunk {
	m.mu.Lock()
	defer m.mu.Unlock()
	size, free := smallChunk, &m.small
	if large && m.used+largeChunk <= m.soft {
		size, free = largeChunk, &m.large
	}
	m.used += int64(size)
	m.peak = max(m.peak, m.used)
	if k := len(*free); k > 0 {
		c := (*free)[k-1]
		*free = (*free)[:k-1]
		return c
	}
	return &chunk{buf: make([]byte, size)}
}

// put takes a chunk back and returns the connections that may be read again.
func (m *memory) put(c *chunk) []*conn {
	c.n = 0
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used -= int64(len(c.buf))
	if len(c.buf) == largeChunk {
		m.large = append(m.large, c)
	} else {
		m.small = append(m.small, c)
	}
	k := min(int((m.soft-m.used)/largeChunk), len(m.waiting))
	if m.used <= m.soft/2 {
		k = len(m.waiting) // those woken before may have nothing to send: nobody waits for them
	}
	if k <= 0 {
		return nil
	}
	wake := m.waiting[:k:k]
	m.waiting = m.waiting[k:]
	return wake
}

// wait adds c to the waiting connections if the soft limit is reached, and
// reports whether it did.
func (m *memory) wait(c *conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+largeChunk <= m.soft {
		return false
	}
	m.waiting = append(m.waiting, c)
	return true
}

// forget removes a connection that was closed from the waiting ones.
func (m *memory) forget(c *conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, w := range m.waiting {
		if w == c {
			m.waiting = append(m.waiting[:i:i], m.waiting[i+1:]...)
			return
		}
	}
}

// usage returns the bytes in use and the most that ever were.
func (m *memory) usage() (used, peak int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used, m.peak
}
