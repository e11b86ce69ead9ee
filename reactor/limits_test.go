package reactor

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// limitsHit returns the limits that the log names, each once.
func (r *testReactor) limitsHit() string {
	names := make(map[string]bool)
	for _, line := range r.log.lines(r.t, logging.LimitHit) {
		names[fmt.Sprint(line["limit"], " ", line["reason"])] = true
	}
	return fmt.Sprint(names)
}

func TestMaxConnections(t *testing.T) {
	s := start(t, script{}, func(c *Config) { c.MaxConnections = 3 })
	var peers []*peer
	for range 3 {
		p := s.dial()
		p.send(registration())
		p.expect(codec.CodeAcknowledged)
		peers = append(peers, p)
	}
	s.dial().closed()
	if got := s.limitsHit(); got != "map[max_connections too_many_connections:true]" {
		t.Errorf("the log tells of %v", got)
	}
	peers[0].Close()
	eventually(t, "a place is free", func() bool { return s.Connections() == 2 })
	p := s.dial()
	p.send(registration())
	p.expect(codec.CodeAcknowledged)
}

func TestMaxConnectionsPerSource(t *testing.T) {
	s := start(t, script{}, func(c *Config) { c.MaxConnectionsPerSource = 2 })
	a, b := s.dial(), s.dial()
	for _, p := range []*peer{a, b} {
		p.send(registration())
		p.expect(codec.CodeAcknowledged)
	}
	s.dial().closed()
	if got := s.limitsHit(); got != "map[max_connections_per_source too_many_connections_from_source:true]" {
		t.Errorf("the log tells of %v", got)
	}
	a.Close()
	eventually(t, "a place is free", func() bool { return s.Connections() == 1 })
	c := s.dial()
	c.send(registration())
	c.expect(codec.CodeAcknowledged)
}

func TestMaxUploads(t *testing.T) {
	s := start(t, script{}, func(c *Config) { c.MaxUploads = 2 })
	a, b, c := s.dial(), s.dial(), s.dial()
	a.send(head(32), make([]byte, 16))
	b.send(head(32), make([]byte, 16))
	eventually(t, "two uploads", func() bool { return s.uploads.Load() == 2 })
	c.send(head(32), make([]byte, 32), verdict())
	c.expect(codec.CodeRegistrationError)
	c.expect(codec.CodeAcknowledged) // the stream stays framed
	if got := s.limitsHit(); got != "map[max_uploads too_many_uploads:true]" {
		t.Errorf("the log tells of %v", got)
	}
	a.send(make([]byte, 16))
	a.expect(codec.CodeFileReceived)
	c.send(head(32), make([]byte, 32))
	c.expect(codec.CodeFileReceived)
	b.Close() // gives its place back, too
	eventually(t, "no upload", func() bool { return s.uploads.Load() == 0 })
}

func TestRegistrationsPerMinute(t *testing.T) {
	s := start(t, script{}, func(c *Config) { c.RegistrationsPerMinute = 3 })
	p := s.dial()
	for range 3 {
		p.send(registration())
		p.expect(codec.CodeAcknowledged)
	}
	p.send(verdict())
	p.expect(codec.CodeAcknowledged)
	q := s.dial()
	q.send(registration())
	q.expect(codec.CodeRegistrationError)
	q.expect(0)
	q.Close()
	if got := s.limitsHit(); got != "map[registrations_per_minute too_many_registrations:true]" {
		t.Errorf("the log tells of %v", got)
	}
	s.expectClosed(1, logging.TooManyRegistrations)
}

func TestSourceOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":                  "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6":       "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff:ffff::1":  "2001:db8:1:2::/64",
		"fe80::1%eth0":               "fe80::/64",
		"2001:db8:1:3:ffff:ffff::1%": "",
	} {
		a, err := netip.ParseAddr(address)
		if err != nil {
			continue
		}
		if got := sourceOf(a); got.String() != want {
			t.Errorf("the source of %s is %s, want %s", address, got, want)
		}
	}
}

// TestSources holds the table against plain counting.
func TestSources(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most, perMinute := rapid.IntRange(0, 3).Draw(t, "most"), rapid.IntRange(1, 5).Draw(t, "per minute")
		s := newSources(most, perMinute)
		now := time.Now()
		open := make(map[netip.Prefix]int)
		registered := make(map[netip.Prefix][]time.Time)
		source := rapid.Custom(func(t *rapid.T) netip.Prefix {
			return sourceOf(netip.AddrFrom4([4]byte{192, 0, 2, byte(rapid.IntRange(0, 3).Draw(t, "host"))}))
		})
		t.Repeat(map[string]func(*rapid.T){
			"enter": func(t *rapid.T) {
				p := source.Draw(t, "source")
				want := most == 0 || open[p] < most
				if got := s.enter(p); got != want {
					t.Fatalf("enter with %d of %d open: %v", open[p], most, got)
				}
				if want {
					open[p]++
				}
			},
			"leave": func(t *rapid.T) {
				if p := source.Draw(t, "source"); open[p] > 0 {
					s.leave(p)
					open[p]--
				}
			},
			"register": func(t *rapid.T) {
				p := source.Draw(t, "source")
				if open[p] == 0 || !s.register(p, now) {
					return
				}
				registered[p] = append(registered[p], now)
				last := 0
				for _, at := range registered[p] {
					if now.Sub(at) < time.Minute {
						last++
					}
				}
				if last > 2*perMinute { // a full bucket, and what it earned in that minute
					t.Fatalf("%d registrations in a minute, %d are allowed", last, perMinute)
				}
			},
			"time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
				s.forget(now)
			},
			"": func(t *rapid.T) {
				idle := 0
				for _, e := range s.byIP {
					if e.connections == 0 {
						idle++
					}
				}
				if idle != s.idle {
					t.Fatalf("%d idle sources are counted, there are %d", s.idle, idle)
				}
			},
		})
		now = now.Add(2 * time.Minute)
		for p, n := range open {
			for range n {
				s.leave(p)
			}
		}
		s.forget(now)
		if len(s.byIP) != 0 {
			t.Fatalf("%d sources are remembered for nothing", len(s.byIP))
		}
	})
}

func TestLimitLogIsBounded(t *testing.T) {
	l := newLimitLog(zap.NewNop(), newCounters().limits)
	now := time.Now()
	if n := l.count(logging.TooManyUploads, now); n != 1 {
		t.Errorf("the first line tells of %d, want 1", n)
	}
	for range 10 {
		if n := l.count(logging.TooManyUploads, now.Add(limitLogPause/2)); n != 0 {
			t.Errorf("there is a line too early, and it tells of %d", n)
		}
	}
	if n := l.count(logging.TooManyUploads, now.Add(limitLogPause)); n != 11 {
		t.Errorf("the next line tells of %d, want 11", n)
	}
}
