package reactor

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/pires/go-proxyproto"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// takeAll gives the header b in pieces of step bytes, and returns how many bytes
// it took.
func takeAll(b []byte, step int) (h proxyHeader, taken int, complete bool, err error) {
	for taken < len(b) && !complete && err == nil {
		var n int
		piece := b[taken:min(len(b), taken+step)]
		n, complete, err = h.take(piece)
		taken += n
		if n < len(piece) && !complete && err == nil {
			panic("bytes are left though the header is incomplete")
		}
	}
	return h, taken, complete, err
}

func proxied(version byte, source, destination string) []byte {
	from, to := netip.MustParseAddrPort(source), netip.MustParseAddrPort(destination)
	h := proxyproto.HeaderProxyFromAddrs(version, net.TCPAddrFromAddrPort(from), net.TCPAddrFromAddrPort(to))
	b, err := h.Format()
	if err != nil {
		panic(err)
	}
	return b
}

// TestProxyHeaderAgainstGoProxyproto reads what the library writes, cut
// anywhere, with a request behind it.
func TestProxyHeaderAgainstGoProxyproto(t *testing.T) {
	for _, version := range []byte{1, 2} {
		for _, source := range []string{"203.0.113.9:4711", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::9]:4711", "[::1]:1"} {
			destination := "192.0.2.1:1234"
			if source[0] == '[' {
				destination = "[2001:db8::1]:1234"
			}
			header := proxied(version, source, destination)
			for step := 1; step <= len(header)+1; step++ {
				h, taken, complete, err := takeAll(append(bytes.Clone(header), "rest"...), step)
				if err != nil || !complete || taken != len(header) || h.client.String() != source {
					t.Fatalf("version %d, %s by %d: %v, %v, %d of %d bytes, %v",
						version, source, step, h.client, complete, taken, len(header), err)
				}
			}
		}
	}
}

func v2(command, family byte, payload ...byte) []byte {
	b := append(bytes.Clone(proxyV2Signature), command, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	return append(b, payload...)
}

func TestProxyHeaders(t *testing.T) {
	for _, test := range []struct {
		name   string
		header []byte
		client string // "" : the proxy's own
		fails  bool
	}{
		{"unknown", []byte("PROXY UNKNOWN\r\n"), "", false},
		{"unknown with addresses", []byte("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), "", false},
		{"local", v2(0x20, 0), "", false},
		{"local with addresses", v2(0x20, 0x11, make([]byte, 12)...), "", false},
		{"unix", v2(0x21, 0x31, make([]byte, 216)...), "", false},
		{"TCP4 with more behind", v2(0x21, 0x11, append([]byte{203, 0, 113, 9, 1, 1, 1, 1, 0, 7, 0, 8}, make([]byte, 3000)...)...), "203.0.113.9:7", false},
		{"mapped address", v2(0x21, 0x21, append(append(make([]byte, 10), 0xff, 0xff, 203, 0, 113, 9), append(make([]byte, 16), 0, 7, 0, 8)...)...), "203.0.113.9:7", false},
		{"a request", registration(), "", true},
		{"nothing like it", []byte("PROXX"), "", true},
		{"no line's end", bytes.Repeat([]byte("PROXY "), 30), "", true},
		{"one field too few", []byte("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"), "", true},
		{"family of another", []byte("PROXY TCP4 ::1 ::1 1 2\r\n"), "", true},
		{"port too large", []byte("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n"), "", true},
		{"port with a zero", []byte("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"), "", true},
		{"UDP", []byte("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"), "", true},
		{"version 3", v2(0x31, 0x11, make([]byte, 12)...), "", true},
		{"command 2", v2(0x22, 0x11, make([]byte, 12)...), "", true},
		{"TCP4 too short", v2(0x21, 0x11, make([]byte, 11)...), "", true},
		{"TCP6 too short", v2(0x21, 0x21, make([]byte, 12)...), "", true},
	} {
		for _, step := range []int{1, 7, 1 << 16} {
			h, taken, complete, err := takeAll(test.header, step)
			switch {
			case (err != nil) != test.fails:
				t.Errorf("%s: %v", test.name, err)
			case test.fails:
			case !complete || taken != len(test.header):
				t.Errorf("%s: complete is %v after %d of %d bytes", test.name, complete, taken, len(test.header))
			case h.client.IsValid() != (test.client != "") || test.client != "" && h.client.String() != test.client:
				t.Errorf("%s: the client is %v, want %q", test.name, h.client, test.client)
			}
		}
	}
}

// TestProxyProtocol: behind a trusted proxy, the client's address is the one in
// the header, for the session, the limits and the log.
func TestProxyProtocol(t *testing.T) {
	remotes := make(chan netip.AddrPort, 10)
	s := startWith(t, func(i ConnInfo) Session {
		remotes <- i.Remote
		return script{}
	}, func(c *Config) {
		c.ProxyProtocolFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.MaxConnectionsPerSource = 1
	})
	p := s.dial()
	p.send(proxied(2, "203.0.113.9:4711", "192.0.2.1:1234"), registration())
	p.expect(codec.CodeAcknowledged)
	if got := wait(t, remotes, "the session"); got.String() != "203.0.113.9:4711" {
		t.Errorf("the session is told %v", got)
	}
	same := s.dial()
	same.send(proxied(1, "203.0.113.9:4712", "192.0.2.1:1234"), registration())
	same.closed()
	if got := s.limitsHit(); got != "map[max_connections_per_source too_many_connections_from_source:true]" {
		t.Errorf("the log tells of %v", got)
	}
	other := s.dial()
	other.send(proxied(1, "203.0.113.10:4711", "192.0.2.1:1234"), registration())
	other.expect(codec.CodeAcknowledged)
	p.Close()
	eventually(t, "the connection is logged", func() bool { return len(s.log.lines(t, logging.ConnClose)) == 2 })
	if line := s.log.lines(t, logging.ConnClose)[1]; line["client_ip"] != "203.0.113.9" {
		t.Errorf("the log has the address %v", line["client_ip"])
	}
	p = s.dial() // its place is free again
	p.send(proxied(1, "203.0.113.9:4713", "192.0.2.1:1234"), registration())
	p.expect(codec.CodeAcknowledged)
}

func TestProxyHeaderIsDemanded(t *testing.T) {
	s := start(t, script{}, func(c *Config) {
		c.ProxyProtocolFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	})
	p := s.dial()
	p.send(registration())
	p.closed()
	s.expectClosed(1, logging.ProxyHeader)
}

func TestProxyHeaderOfAStranger(t *testing.T) {
	s := start(t, script{}, func(c *Config) {
		c.ProxyProtocolFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	p := s.dial()
	p.send(proxied(1, "203.0.113.9:4711", "192.0.2.1:1234"))
	p.CloseWrite()
	p.closed()
	s.expectClosed(1, logging.PayloadCutShort) // it was taken for a request of an unknown code
}

// TestPenaltyEndsAtTheDoor bans a source that keeps sending what cannot be
// framed; through a proxy, because the machine itself is never banned.
func TestPenaltyEndsAtTheDoor(t *testing.T) {
	s := start(t, script{}, func(c *Config) {
		c.ProxyProtocolFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		c.PenaltyMax = patience
	})
	from := func(ip string) *peer {
		p := s.dial()
		p.send(proxied(2, ip+":4711", "192.0.2.1:1234"))
		return p
	}
	lost := head(17)
	lost[codec.RequestHeaderBytes+16]++
	for i := 0; len(s.log.lines(t, logging.Penalty)) == 0; i++ {
		if i > int(penaltyThreshold) {
			t.Fatal("there is no penalty")
		}
		p := from("203.0.113.9")
		p.send(lost)
		p.expect(codec.CodeRegistrationError)
		p.expect(0)
		p.Close()
		s.expectClosed(i+1, logging.FramingLost)
	}
	p := from("203.0.113.9")
	p.closed()
	line := s.log.lines(t, logging.Penalty)[0]
	if fmt.Sprint(line["client_ip"], line["reason"], line["duration"]) != "203.0.113.9framing_lost10" {
		t.Errorf("the log has %v", line)
	}
	p = from("203.0.113.10")
	p.send(registration())
	p.expect(codec.CodeAcknowledged)
}

// FuzzProxyHeader: whatever we take, the library takes, with the same client and
// the same length; and pieces make no difference.
func FuzzProxyHeader(f *testing.F) {
	f.Add(proxied(1, "203.0.113.9:4711", "192.0.2.1:1234"), uint8(3))
	f.Add(proxied(2, "203.0.113.9:4711", "192.0.2.1:1234"), uint8(3))
	f.Add(proxied(2, "[2001:db8::9]:4711", "[2001:db8::1]:1234"), uint8(20))
	f.Add([]byte("PROXY UNKNOWN\r\n"), uint8(1))
	f.Add(v2(0x20, 0), uint8(1))
	f.Add(v2(0x21, 0x11, make([]byte, 40)...), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		whole, taken, complete, err := takeAll(b, len(b)+1)
		cut, takenCut, completeCut, errCut := takeAll(b, int(step)+1)
		if complete != completeCut || (err == nil) != (errCut == nil) || err == nil && taken != takenCut || whole.client != cut.client {
			t.Fatalf("whole: %v %d %v %v; by %d: %v %d %v %v", whole.client, taken, complete, err,
				int(step)+1, cut.client, takenCut, completeCut, errCut)
		}
		if !complete || !whole.client.IsValid() {
			return
		}
		in := bufio.NewReader(bytes.NewReader(b))
		h, err := proxyproto.Read(in)
		if err != nil {
			t.Fatalf("we take %q as %v, the library says %v", b, whole.client, err)
		}
		from := h.SourceAddr.(*net.TCPAddr).AddrPort()
		if netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != whole.client {
			t.Fatalf("we take %q as %v, the library as %v", b, whole.client, from)
		}
		left := in.Buffered() + len(b) - min(len(b), 4096)
		if len(b) <= 4096 && len(b)-left != taken {
			t.Fatalf("we take %d bytes of %q, the library %d", taken, b, len(b)-left)
		}
	})
}
