package reactor

import (
	"net/netip"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
)

// misbehave charges p until it is banned, and returns for how long.
func misbehave(t *testing.T, s *penalties, p netip.Prefix, now time.Time) time.Duration {
	t.Helper()
	for range 1000 {
		if ban := s.charge(p, logging.FramingLost, now); ban > 0 {
			return ban
		}
	}
	t.Fatal("a thousand offences are not punished")
	return 0
}

func TestPenaltiesGrowAndDecay(t *testing.T) {
	const longest = 5 * firstBan
	s := newPenalties(longest)
	p := netip.MustParsePrefix("192.0.2.7/32")
	now := time.Now()
	for i, want := range []time.Duration{firstBan, 2 * firstBan, 4 * firstBan, longest, longest} {
		ban := misbehave(t, s, p, now)
		if ban != want {
			t.Fatalf("ban %d lasts %v, want %v", i+1, ban, want)
		}
		if !s.banned(p, now.Add(ban-1)) || s.banned(p, now.Add(ban)) {
			t.Fatalf("ban %d does not last %v", i+1, ban)
		}
		if s.charge(p, logging.FramingLost, now) != 0 {
			t.Fatal("a source is banned twice at once")
		}
		now = now.Add(ban)
	}
	now = now.Add(3 * longest) // three of five are forgiven
	if ban := misbehave(t, s, p, now); ban != 4*firstBan {
		t.Errorf("after a while, a ban lasts %v, want %v", ban, 4*firstBan)
	}
	s.forget(now.Add(20 * longest))
	if len(s.bySource) != 0 {
		t.Error("a source that owes nothing is remembered")
	}
}

func TestPenaltiesForgiveTheRare(t *testing.T) {
	s := newPenalties(time.Minute)
	p := netip.MustParsePrefix("192.0.2.7/32")
	now := time.Now()
	for range 1000 {
		if s.charge(p, logging.FramingLost, now) != 0 {
			t.Fatal("one offence a minute is punished")
		}
		now = now.Add(time.Minute)
	}
}

func TestNotPenalized(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name    string
		longest time.Duration
		source  string
		why     logging.Reason
	}{
		{"loopback", time.Minute, "127.0.0.1/32", logging.FramingLost},
		{"loopback, IPv6", time.Minute, "::/64", logging.FramingLost},
		{"no penalties", 0, "192.0.2.7/32", logging.FramingLost},
		{"honest", time.Minute, "192.0.2.7/32", logging.ConnectionReset},
		{"ordinary", time.Minute, "192.0.2.7/32", logging.ClientClosed},
	} {
		s := newPenalties(test.longest)
		for range 1000 {
			if s.charge(netip.MustParsePrefix(test.source), test.why, now) != 0 {
				t.Errorf("%s: punished", test.name)
				break
			}
		}
	}
}

// TestPenaltiesAreBounded fills the table: who is banned stays, and newcomers
// find room as long as somebody is not.
func TestPenaltiesAreBounded(t *testing.T) {
	s := newPenalties(time.Hour)
	now := time.Now()
	banned := netip.MustParsePrefix("192.0.2.7/32")
	misbehave(t, s, banned, now)
	for i := range maxPenalized + 1000 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
		s.charge(p, logging.FramingLost, now)
	}
	if n := len(s.bySource); n != maxPenalized {
		t.Errorf("the table has %d entries, want %d", n, maxPenalized)
	}
	if !s.banned(banned, now) {
		t.Error("who was banned is free")
	}
}
