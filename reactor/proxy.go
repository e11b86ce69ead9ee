package reactor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sealquay/sealquay/internal/logging"
)

// The PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt has it.
const (
	proxyV1Longest = 107 // with its CR LF
	proxyV2Fixed   = 16
	proxyV2TCP4    = 12 // bytes of addresses
	proxyV2TCP6    = 36
)

var (
	proxyV1Start     = []byte("PROXY ")
	proxyV2Signature = []byte("\r\n\r\n\x00\r\nQUIT\n")
	errProxyHeader   = errors.New("no PROXY protocol header")
)

// A proxyHeader collects the header that stands before a connection's bytes.
// Its zero value is ready. It holds at most 107 bytes; what follows the
// addresses in version 2 is passed over.
type proxyHeader struct {
	held   []byte
	skip   int            // bytes of the header still to come
	client netip.AddrPort // that the header named; invalid: the proxy speaks for itself
}

// take takes bytes of the header from the front of p, and returns how many and
// whether the header is complete.
func (h *proxyHeader) take(p []byte) (n int, complete bool, err error) {
	if h.skip > 0 {
		n = min(h.skip, len(p))
		h.skip -= n
		return n, h.skip == 0, nil
	}
	for n < len(p) {
		need := 1
		if len(h.held) >= len(proxyV2Signature) && h.held[0] == proxyV2Signature[0] {
			need = h.needV2() - len(h.held)
		}
		part := p[n:min(len(p), n+need)]
		h.held = append(h.held, part...)
		n += len(part)
		complete, err = h.parse()
		if err != nil {
			return n, false, err
		}
		if complete {
			more := min(h.skip, len(p)-n)
			h.skip -= more
			return n + more, h.skip == 0, nil
		}
	}
	return n, false, nil
}

// parse looks at what is held.
func (h *proxyHeader) parse() (complete bool, err error) {
	switch {
	case startsLike(h.held, proxyV2Signature):
		return h.parseV2()
	case startsLike(h.held, proxyV1Start):
		return h.parseV1()
	}
	return false, errProxyHeader
}

// startsLike reports whether b begins with start, as far as it goes.
func startsLike(b, start []byte) bool {
	n := min(len(b), len(start))
	return bytes.Equal(b[:n], start[:n])
}

func (h *proxyHeader) parseV1() (complete bool, err error) {
	line, ended := bytes.CutSuffix(h.held, []byte("\r\n"))
	if !ended {
		if len(h.held) >= proxyV1Longest {
			return false, errProxyHeader
		}
		return false, nil
	}
	f := strings.Split(string(line), " ")
	switch {
	case len(f) >= 2 && f[1] == "UNKNOWN":
		return true, nil
	case len(f) != 6 || f[1] != "TCP4" && f[1] != "TCP6":
		return false, errProxyHeader
	}
	source, ok := parseEndpoint(f[2], f[4], f[1])
	if _, to := parseEndpoint(f[3], f[5], f[1]); !ok || !to {
		return false, errProxyHeader
	}
	h.client = source
	return true, nil
}

func parseEndpoint(address, port, family string) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() != (family == "TCP4") || a.Zone() != "" {
		return netip.AddrPort{}, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != port {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), true
}

// needV2 returns how many bytes must be held: the fixed part, then the
// addresses with it.
func (h *proxyHeader) needV2() int {
	if len(h.held) < proxyV2Fixed {
		return proxyV2Fixed
	}
	return proxyV2Fixed + min(int(binary.BigEndian.Uint16(h.held[14:])), proxyV2TCP6)
}

func (h *proxyHeader) parseV2() (complete bool, err error) {
	if len(h.held) < proxyV2Fixed || len(h.held) < h.needV2() {
		return false, nil
	}
	command, family := h.held[12], h.held[13]
	length := int(binary.BigEndian.Uint16(h.held[14:]))
	h.skip = length - min(length, proxyV2TCP6)
	addresses := h.held[proxyV2Fixed:]
	switch {
	case command == 0x20: // LOCAL: a health check, say
		return true, nil
	case command != 0x21:
		return false, errProxyHeader
	case family == 0x11 && length >= proxyV2TCP4:
		from := netip.AddrFrom4([4]byte(addresses))
		h.client = netip.AddrPortFrom(from, binary.BigEndian.Uint16(addresses[8:]))
		return true, nil
	case family == 0x21 && length >= proxyV2TCP6:
		from := netip.AddrFrom16([16]byte(addresses)).Unmap()
		h.client = netip.AddrPortFrom(from, binary.BigEndian.Uint16(addresses[32:]))
		return true, nil
	case family == 0x11 || family == 0x21:
		return false, errProxyHeader
	}
	return true, nil // a family that no client of ours comes by: the proxy's own address stands
}

// takeProxyHeader takes the header from the front of in, and returns the rest.
func (c *conn) takeProxyHeader(in []byte) []byte {
	n, complete, err := c.proxy.take(in)
	if err != nil {
		c.shut(logging.ProxyHeader)
		return nil
	}
	if !complete {
		return nil
	}
	client := c.proxy.client
	c.proxy = nil
	if client.IsValid() {
		c.remote = client
		if reason := c.enterSource(); reason != "" {
			c.shut(reason)
			return nil
		}
	}
	c.logOpen()
	return in[n:]
}
