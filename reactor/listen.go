package reactor

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// handshakeGrace is how long a server that stops goes on accepting after new
// connections were left to its successor: those whose handshake had begun come
// to its own queue still. A first retransmission fits (RFC 6298).
const handshakeGrace = 1200 * time.Millisecond

// Listen opens a TCP listener whose port a successor can share, so that no
// connection is refused while one server takes over from another. With beside
// the port may be in use by such a server of the same user; without it, nobody
// else may listen there.
func Listen(ctx context.Context, at netip.AddrPort, beside bool) (net.Listener, error) {
	if !beside && at.Port() != 0 {
		// With the option set, the kernel would let a second server in silently.
		alone, err := net.Listen("tcp", at.String())
		if err != nil {
			return nil, err
		}
		if err := alone.Close(); err != nil {
			return nil, err
		}
	}
	config := net.ListenConfig{Control: sharePort}
	config.SetMultipathTCP(false) // the kernel does not steer connections away from such a listener
	return config.Listen(ctx, "tcp", at.String())
}
