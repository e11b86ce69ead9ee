package logging

import (
	"sync"
	"sync/atomic"
	"time"
)

// sampleLimit is how many lines about one noisy event are written in a second.
const sampleLimit = 100

// A sampler leaves out noise: lines about some events, when there are too many in a second. It counts them. All other
// lines pass. Safe for concurrent use.
type sampler struct {
	noise  map[Event]*sampled // is not changed
	undone atomic.Bool        // lines were left out, and that is still to be told
	total  atomic.Int64       // lines left out since the start
}

type sampled struct {
	mu      sync.Mutex
	second  int64 // since 1970
	written int64 // in this second
	dropped int64 // not told yet
}

// A drop tells how many lines about an event were left out.
type drop struct {
	event Event
	count int64
}

func newSampler() *sampler {
	s := &sampler{noise: make(map[Event]*sampled)}
	for e, entry := range entries {
		if entry.noise {
			s.noise[e] = new(sampled)
		}
	}
	return s
}

// admit tells whether a line about e is written.
func (s *sampler) admit(e Event, now time.Time) bool {
	n := s.noise[e]
	if n == nil {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if second := now.Unix(); second != n.second {
		n.second, n.written = second, 0
	}
	n.written++
	if n.written <= sampleLimit {
		return true
	}
	n.dropped++
	s.total.Add(1)
	s.undone.Store(true)
	return false
}

// due returns what was left out in seconds before now, once.
func (s *sampler) due(now time.Time) (drops []drop) {
	if !s.undone.Load() {
		return nil
	}
	s.undone.Store(false)
	for e, n := range s.noise {
		n.mu.Lock()
		switch {
		case n.dropped == 0:
		case n.second == now.Unix():
			s.undone.Store(true) // more may follow
		default:
			drops = append(drops, drop{e, n.dropped})
			n.dropped = 0
		}
		n.mu.Unlock()
	}
	return drops
}
