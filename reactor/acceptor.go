package reactor

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
)

// acceptors is how many goroutines accept connections. Each waits until a loop
// has taken its connection, so one slow loop does not hold up the others.
const acceptors = 4

// acceptPause is how long an acceptor waits when the process has no descriptor
// left: connections that end free some.
const acceptPause = 50 * time.Millisecond

func (r *Reactor) startAccepting() {
	for range acceptors {
		r.accepting.Go(r.accept)
	}
}

func (r *Reactor) accept() {
	for {
		nc, err := r.Listener.Accept()
		switch {
		case err == nil:
			r.admit(nc)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			logging.Log(r.Log, logging.LimitHit, logging.ReasonField(logging.DescriptorsExhausted), logging.Error(err))
			time.Sleep(acceptPause)
		}
	}
}

// admit hands an accepted connection to a loop, unless a limit is reached.
func (r *Reactor) admit(nc net.Conn) {
	remote := nc.RemoteAddr().(*net.TCPAddr).AddrPort()
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	if open := r.open.Add(1); open > int64(r.MaxConnections) {
		r.refuse(nc, remote, logging.TooManyConnections)
		return
	}
	c := newConn(r, r.lastID.Add(1), remote)
	if _, err := r.client.EnrollContext(nc, c); err != nil {
		logging.Log(r.Log, logging.LimitHit, logging.ClientIP(remote.Addr()),
			logging.ReasonField(logging.DescriptorsExhausted), logging.Error(err))
		r.released()
		return
	}
	if c.loop == nil { // the poller had no room for it: gnet closed it without a word
		r.released()
	}
}

func (r *Reactor) refuse(nc net.Conn, remote netip.AddrPort, reason logging.Reason) {
	_ = nc.Close() // nothing was said yet: nothing can be lost
	logging.Log(r.Log, logging.LimitHit, logging.ClientIP(remote.Addr()), logging.ReasonField(reason))
	r.released()
}
