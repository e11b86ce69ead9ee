package reactor

import (
	"sync/atomic"

	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/measure"
)

// counters count what happens to connections. The bytes are counted by the
// loops, each in a place of its own.
type counters struct {
	refused  *measure.Counts[logging.Reason] // connections, before they could say anything
	closed   *measure.Counts[logging.Reason] // connections, by what ended them
	limits   *measure.Counts[logging.Reason]
	sessions atomic.Int64 // that ended
	paused   atomic.Int64 // connections that are not read now
	pauses   atomic.Int64
	bans     atomic.Int64
}

func newCounters() counters {
	return counters{
		refused: measure.NewCounts(logging.TooManyConnections, logging.TooManyConnectionsFromSource,
			logging.Penalized, logging.DescriptorsExhausted),
		closed: measure.NewCounts(logging.AllReasons()...),
		limits: measure.NewCounts(logging.TooManyConnections, logging.TooManyConnectionsFromSource,
			logging.Penalized, logging.DescriptorsExhausted, logging.TooManyRegistrations, logging.TooManyUploads,
			logging.TooManyHandshakes),
	}
}

// countPause keeps count of the paused connections after c.paused was set.
func (c *conn) countPause(was bool) {
	switch {
	case c.paused == was:
	case c.paused:
		c.r.counters.paused.Add(1)
		c.r.counters.pauses.Add(1)
	default:
		c.r.counters.paused.Add(-1)
	}
}

// A Snapshot says what a Reactor does, and what it did since its start. Sizes
// are bytes. Its parts are read one after the other, so they agree only nearly.
type Snapshot struct {
	Draining bool

	Open           int64 // connections
	MaxConnections int64
	Accepted       int64
	Refused        map[logging.Reason]int64 // connections closed before they could say anything
	Closed         map[logging.Reason]int64 // connections by what ended them
	LimitHits      map[logging.Reason]int64
	Sessions       int64 // connections that ended after at least one request
	Paused         int64 // connections that are not read now
	Pauses         int64
	BytesIn        int64
	BytesOut       int64

	Uploads    int64 // under way
	MaxUploads int64
	Memory     MemorySnapshot
	Content    PoolSnapshot // decrypts and writes
	Requests   PoolSnapshot // waits for storage

	PenalizedSources int64 // that have a score
	BannedSources    int64
	Bans             int64
	Panics           int64
}

// A MemorySnapshot says how much of the memory budget is in use.
type MemorySnapshot struct {
	Used, Peak, Budget int64
	Waiting            int64 // connections that are not read until there is room
}

// A PoolSnapshot says how busy a pool of goroutines is.
type PoolSnapshot struct {
	Queued  int64 // connections that wait for a goroutine
	Running int64
	Max     int64
}

// Snapshot may be called from anywhere. It costs a few short locks.
func (r *Reactor) Snapshot() Snapshot {
	n := &r.counters
	s := Snapshot{
		Draining: r.draining.Load(),

		Open:           r.open.Load(),
		MaxConnections: int64(r.MaxConnections),
		Accepted:       int64(r.lastID.Load()),
		Refused:        n.refused.Load(),
		Closed:         n.closed.Load(),
		LimitHits:      n.limits.Load(),
		Sessions:       n.sessions.Load(),
		Paused:         n.paused.Load(),
		Pauses:         n.pauses.Load(),

		Uploads:    r.uploads.Load(),
		MaxUploads: int64(r.MaxUploads),
		Memory:     r.memory.snapshot(),
		Content:    r.content.snapshot(),
		Requests:   r.request.snapshot(),

		Bans:   n.bans.Load(),
		Panics: r.panics.Load(),
	}
	for _, l := range r.loops {
		s.BytesIn += l.bytesIn.Load()
		s.BytesOut += l.bytesOut.Load()
	}
	s.PenalizedSources, s.BannedSources = r.penalties.count()
	return s
}

func (m *memory) snapshot() MemorySnapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return MemorySnapshot{Used: m.used, Peak: m.peak, Budget: m.hard, Waiting: int64(len(m.waiting))}
}

func (p *pool) snapshot() PoolSnapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PoolSnapshot{Queued: int64(p.queued), Running: int64(p.running), Max: int64(p.max)}
}

// count returns how many sources have a score, and how many of them were banned
// at the last tick.
func (s *penalties) count() (known, banned int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.bySource)), s.bannedSources
}
