package reactor

import (
	"net/netip"
	"sync"
	"time"
)

// sourceOf returns the source that an address belongs to: an IPv4 address by
// itself, an IPv6 address with its /64, which is what one customer is given.
func sourceOf(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits) // fails only for bits out of range
	return p
}

// maxIdleSources bounds how many sources are remembered without a connection.
const maxIdleSources = 1 << 16

// sources counts the connections and the registrations of each source. It may
// be used from anywhere.
type sources struct {
	maxConnections int // of one source; 0: any number
	perMinute      int // registrations of one source; 0: any number

	mu   sync.Mutex
	byIP map[netip.Prefix]*source
	idle int // entries without a connection
}

type source struct {
	connections int
	allowance   float64 // registrations that are allowed now
	seen        time.Time
}

func newSources(maxConnections, perMinute int) *sources {
	return &sources{maxConnections: maxConnections, perMinute: perMinute, byIP: make(map[netip.Prefix]*source)}
}

// enter counts a connection, or returns false when the source has as many as
// it may.
func (s *sources) enter(p netip.Prefix) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byIP[p]
	switch {
	case e == nil:
		e = &source{allowance: float64(s.perMinute)}
		s.byIP[p] = e
	case s.maxConnections > 0 && e.connections >= s.maxConnections:
		return false
	case e.connections == 0:
		s.idle--
	}
	e.connections++
	return true
}

// leave counts the end of a connection that entered. A source is remembered
// until its registrations are forgotten.
func (s *sources) leave(p netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byIP[p]
	e.connections--
	if e.connections > 0 {
		return
	}
	if e.seen.IsZero() || s.idle >= maxIdleSources {
		delete(s.byIP, p)
		return
	}
	s.idle++
}

// register counts a registration of a source that has a connection, or returns
// false when it had as many in the last minute as it may. What it may is a
// bucket of perMinute tokens that fills in a minute.
func (s *sources) register(p netip.Prefix, now time.Time) bool {
	if s.perMinute == 0 || !p.IsValid() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byIP[p]
	if !e.seen.IsZero() {
		earned := now.Sub(e.seen).Minutes() * float64(s.perMinute)
		e.allowance = min(e.allowance+earned, float64(s.perMinute))
	}
	e.seen = now
	if e.allowance < 1 {
		return false
	}
	e.allowance--
	return true
}

// forget drops the sources without a connection whose bucket is full again.
func (s *sources) forget(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle == 0 {
		return
	}
	for p, e := range s.byIP {
		if e.connections == 0 && now.Sub(e.seen) >= time.Minute {
			delete(s.byIP, p)
			s.idle--
		}
	}
}
