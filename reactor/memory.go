package reactor

import "sync"

const (
	// largeChunk fits the second-level cache together with what decryption and
	// checksums need. It is what a fast connection is read into.
	largeChunk = 256 << 10
	readBuffer = 16 << 10
	// smallChunk holds what a loop reads at once and an incomplete block before
	// it. It is a size of Go's allocator.
	smallChunk = 18 << 10
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

// A memory bounds what content and requests take, and hands chunks out. Large
// chunks are granted only below the soft limit, and a connection that finds it
// exceeded waits, unread, until there is room again. Small chunks are always
// granted, because they take in what was read already. A waiting connection
// holds one of them at most: the space above the soft limit is for those. If
// even that is used up, the loops stop reading altogether.
type memory struct {
	soft, hard int64 // bytes

	mu        sync.Mutex
	room      sync.Cond // used is not above hard
	used      int64
	peak      int64
	freeLarge []*chunk // the last used last: it may still be in the cache
	freeSmall []*chunk // free, of smallChunk bytes
	waiting   []*conn  // in the order in which they began to wait
}

// newMemory divides total bytes: one small chunk for each of the uploads is
// kept back, but never more than three quarters.
func newMemory(total int64, uploads int) *memory {
	m := &memory{soft: max(total-min(int64(uploads)*smallChunk, total/4*3), largeChunk)}
	m.hard = max(total, m.soft+smallChunk) // who has all the large chunks holds nobody up
	m.room.L = &m.mu
	return m
}

// large returns an empty large chunk, or nil when memory is short.
func (m *memory) large() *chunk {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+largeChunk > m.soft {
		return nil
	}
	return m.grant(&m.freeLarge, largeChunk)
}

// small returns an empty chunk of size bytes, at most smallChunk.
func (m *memory) small(size int) *chunk {
	m.mu.Lock()
	defer m.mu.Unlock()
	if size < smallChunk {
		return m.grant(nil, size)
	}
	return m.grant(&m.freeSmall, smallChunk)
}

// grant takes a chunk from a list, or makes one. The lock is held.
func (m *memory) grant(free *[]*chunk, size int) *chunk {
	m.use(int64(size))
	if free == nil || len(*free) == 0 {
		return &chunk{buf: make([]byte, size)}
	}
	k := len(*free) - 1
	c := (*free)[k]
	*free = (*free)[:k]
	return c
}

func (m *memory) use(n int64) {
	m.used += n
	m.peak = max(m.peak, m.used)
}

// charge accounts for n bytes that are not in chunks.
func (m *memory) charge(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.use(n)
}

// exhausted reports whether more than all of the memory is in use.
func (m *memory) exhausted() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used > m.hard
}

// waitForRoom returns when no more than all of the memory is in use. It blocks
// the loop, and with it the reading of all its connections, which is the only
// way to bound what clients send that the workers cannot take.
func (m *memory) waitForRoom() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.used > m.hard {
		m.room.Wait()
	}
}

// release takes back a chunk, or nil, and beside bytes that were charged. It
// returns the connections that may be read again.
func (m *memory) release(c *chunk, beside int64) []*conn {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used -= beside
	if c != nil {
		m.takeBack(c)
	}
	if m.used <= m.hard {
		m.room.Broadcast()
	}
	return m.wakeable()
}

func (m *memory) takeBack(c *chunk) {
	c.n = 0
	m.used -= int64(len(c.buf))
	switch len(c.buf) {
	case largeChunk:
		m.freeLarge = append(m.freeLarge, c)
	case smallChunk:
		m.freeSmall = append(m.freeSmall, c)
	}
}

// wakeable takes out the connections that may be read again. Some of them may
// have nothing to send and take no room, so it is called again at every tick.
func (m *memory) wakeable() []*conn {
	k := min(int((m.soft-m.used)/largeChunk), len(m.waiting))
	if m.plenty() {
		k = len(m.waiting)
	}
	if k <= 0 {
		return nil
	}
	wake := m.waiting[:k:k]
	m.waiting = m.waiting[k:]
	return wake
}

// plenty reports whether nobody has to wait for memory.
func (m *memory) plenty() bool { return m.used <= m.soft/2 }

// wakeWaiting returns the connections that may be read again.
func (m *memory) wakeWaiting() []*conn {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wakeable()
}

// wait adds c to the waiting connections if the soft limit is reached, and
// reports whether it did.
func (m *memory) wait(c *conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+largeChunk <= m.soft || m.plenty() {
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
