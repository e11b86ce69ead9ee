package reactor

import (
	"net/netip"
	"sync"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
)

const (
	// penaltyThreshold is the score at which a source is banned.
	penaltyThreshold = 20.0
	// penaltyForgiven is how much of the score is forgiven in a second.
	penaltyForgiven = 0.1
	// firstBan is how long the first ban lasts. Each further one lasts twice as
	// long as the one before.
	firstBan = 10 * time.Second
	// maxPenalized bounds the table.
	maxPenalized = 1 << 16
)

// points is what a source's score grows by for each reason. What can happen to
// an honest client on a bad line costs nothing.
var points = map[logging.Reason]float64{
	logging.FramingLost:          4,
	logging.UnknownCode:          2,
	logging.RequestTimeout:       2,
	logging.BodyTooSlow:          2,
	logging.OutputTimeout:        2,
	logging.OutputTooLarge:       2,
	logging.TooManyRegistrations: 2,
	logging.HandshakeFailed:      1,
	logging.HandshakeTimeout:     2,
	logging.PlainAtTLSPort:       1,
	logging.TLSAtPlainPort:       1,
	logging.TLSRecord:            4,
}

// penalties keeps sources out that keep misbehaving, as OpenSSH's
// PerSourcePenalties does (sshd_config(5)). It may be used from anywhere.
type penalties struct {
	longest time.Duration // 0: there are no penalties

	mu            sync.Mutex
	bySource      map[netip.Prefix]*penalty
	bannedSources int64 // at the last tick
}

type penalty struct {
	score float64
	at    time.Time // when the score was that
	bans  int       // that the next one is longer by
	until time.Time // of the last ban
}

func newPenalties(longest time.Duration) *penalties {
	return &penalties{longest: longest, bySource: make(map[netip.Prefix]*penalty)}
}

// penalizable reports whether a source can be banned. The machine itself cannot:
// whoever is there sits behind it. The /64 of ::1 begins with ::.
func penalizable(p netip.Prefix) bool {
	return p.IsValid() && !p.Addr().IsLoopback() && !p.Addr().IsUnspecified()
}

// charge adds what the source did, and returns how long it is banned for now: 0
// if it is not, or was before.
func (s *penalties) charge(p netip.Prefix, why logging.Reason, now time.Time) time.Duration {
	cost := points[why]
	if cost == 0 || s.longest == 0 || !penalizable(p) {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.bySource[p]
	if e == nil {
		if len(s.bySource) >= maxPenalized && !s.makeRoom(now) {
			return 0
		}
		e = &penalty{at: now}
		s.bySource[p] = e
	}
	if now.Before(e.until) {
		return 0
	}
	e.decay(now, s.longest)
	e.score += cost
	if e.score < penaltyThreshold {
		return 0
	}
	return e.ban(now, s.longest)
}

// ban begins a ban, each twice as long as the one before.
func (e *penalty) ban(now time.Time, longest time.Duration) time.Duration {
	length := firstBan
	for range e.bans {
		length = min(2*length, longest)
	}
	length = min(length, longest)
	e.score, e.bans, e.until, e.at = 0, min(e.bans+1, 64), now.Add(length), now.Add(length)
	return length
}

// decay forgives with time: points by the second, bans by every longest time
// without one.
func (e *penalty) decay(now time.Time, longest time.Duration) {
	quiet := max(now.Sub(e.at), 0)
	e.score = max(e.score-penaltyForgiven*quiet.Seconds(), 0)
	e.at = now
	if since := now.Sub(e.until); e.bans > 0 && since >= longest {
		forgiven := min(int64(since/longest), int64(e.bans))
		e.bans -= int(forgiven)
		e.until = e.until.Add(longest * time.Duration(forgiven))
	}
}

// banned reports whether the source is kept out.
func (s *penalties) banned(p netip.Prefix, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.bySource[p]
	return e != nil && now.Before(e.until)
}

// forget drops the sources that owe nothing any more.
func (s *penalties) forget(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bannedSources = 0
	for p, e := range s.bySource {
		if now.Before(e.until) {
			s.bannedSources++
			continue
		}
		if e.decay(now, s.longest); e.score == 0 && e.bans == 0 {
			delete(s.bySource, p)
		}
	}
}

// makeRoom drops a source that is not banned. The lock is held. When all are
// banned, newcomers go free: to refuse everybody would be worse.
func (s *penalties) makeRoom(now time.Time) bool {
	looked := 0
	for p, e := range s.bySource {
		if !now.Before(e.until) {
			delete(s.bySource, p)
			return true
		}
		if looked++; looked == 64 {
			break
		}
	}
	return false
}

// penalize charges the connection's source and logs its ban, if that is one.
func (c *conn) penalize(why logging.Reason) {
	if length := c.r.penalties.charge(c.source, why, c.loop.now); length > 0 {
		c.r.counters.bans.Add(1)
		c.r.limits.audit.Log(logging.Penalty, logging.ClientIP(c.remote.Addr()),
			logging.ReasonField(why), logging.Duration(length))
	}
}
