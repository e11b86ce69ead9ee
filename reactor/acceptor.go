package reactor

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/internal/logging"
)

// acceptors is how many goroutines accept connections of one listener. Each waits until a loop
// has taken its connection, so one slow loop does not hold up the others.
const acceptors = 4

// acceptPause is how long an acceptor waits when the process has no descriptor
// left: connections that end free some, and those that wait to be accepted wait
// with the kernel.
const acceptPause = 50 * time.Millisecond

func (r *Reactor) startAccepting() {
	for _, l := range r.listeners() {
		for range acceptors {
			r.accepting.Go(func() { r.accept(l, l == r.TLS.Listener) })
		}
	}
}

// listeners returns those that there are.
func (r *Reactor) listeners() []net.Listener {
	return slices.DeleteFunc([]net.Listener{r.Listener, r.TLS.Listener}, func(l net.Listener) bool { return l == nil })
}

// accept holds a descriptor in reserve: gnet duplicates the one that it is given
// and would drop the connection if it could not.
func (r *Reactor) accept(l net.Listener, tls bool) {
	for reserve := -1; ; {
		if reserve < 0 {
			reserve = r.reserveDescriptor()
		}
		nc, err := l.Accept()
		switch {
		case err == nil:
			reserve = closeDescriptor(reserve)
			r.admit(nc, tls)
		case errors.Is(err, net.ErrClosed):
			closeDescriptor(reserve)
			return
		default:
			r.limits.hit(logging.DescriptorsExhausted, "", logging.Error(err))
			time.Sleep(acceptPause)
		}
	}
}

// reserveDescriptor waits until there is one more descriptor, and takes it.
func (r *Reactor) reserveDescriptor() int {
	for {
		fd, err := unix.FcntlInt(r.spare.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err == nil {
			return fd
		}
		r.limits.hit(logging.DescriptorsExhausted, "", logging.Error(err))
		select {
		case <-time.After(acceptPause):
		case <-r.closed:
			return -1
		}
	}
}

// closeDescriptor closes fd if there is one, and returns none.
func closeDescriptor(fd int) int {
	if fd >= 0 {
		_ = unix.Close(fd) // it is a duplicate, nothing can be lost
	}
	return -1
}

// stopAccepting leaves the ports to a server that listens beside this one, if
// there is one, and closes the listeners.
func (r *Reactor) stopAccepting() {
	steered := false
	for _, l := range r.listeners() {
		steered = steerAway(l) || steered
	}
	if steered {
		time.Sleep(handshakeGrace)
	}
	for _, l := range r.listeners() {
		_ = l.Close() // fails only when it is closed already
	}
	close(r.closed)
	accepted := make(chan struct{})
	go func() {
		r.accepting.Wait()
		close(accepted)
	}()
	select {
	case <-accepted:
	case <-r.broken: // gnet waits for ever for a loop that ended
	}
}

// admit hands an accepted connection to a loop, unless a limit is reached.
func (r *Reactor) admit(nc net.Conn, tls bool) {
	remote := nc.RemoteAddr().(*net.TCPAddr).AddrPort()
	c := newConn(r, r.lastID.Add(1), netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()))
	if tls {
		c.secure = newSecure(c)
	}
	if reason := r.enter(c); reason != "" {
		_ = nc.Close() // nothing was said yet: nothing can be lost
		c.left()
		return
	}
	_, err := r.client.EnrollContext(nc, c)
	if c.gnet == nil { // gnet never called OnOpen, so it will not call OnClose
		r.counters.refused.Add(logging.DescriptorsExhausted)
		r.limits.hit(logging.DescriptorsExhausted, "", logging.ClientIP(c.remote.Addr()), logging.Error(err))
		c.left()
	}
}

// enter counts the connection against the limits and returns what stands
// against it. A trusted proxy's connection is counted by source only once its
// header said which that is.
func (r *Reactor) enter(c *conn) logging.Reason {
	if r.open.Add(1) > int64(r.MaxConnections) {
		r.counters.refused.Add(logging.TooManyConnections)
		r.limits.hit(logging.TooManyConnections, "max_connections", logging.ClientIP(c.remote.Addr()))
		return logging.TooManyConnections
	}
	if r.isProxy(c.remote.Addr()) {
		c.proxy = new(proxyHeader)
		return ""
	}
	return c.enterSource()
}

// enterSource counts the connection for its source.
func (c *conn) enterSource() logging.Reason {
	source := sourceOf(c.remote.Addr())
	if c.r.penalties.banned(source, time.Now()) {
		c.r.counters.refused.Add(logging.Penalized)
		c.r.limits.hit(logging.Penalized, "penalty_max", logging.ClientIP(c.remote.Addr()))
		return logging.Penalized
	}
	if !c.r.sources.enter(source) {
		c.r.counters.refused.Add(logging.TooManyConnectionsFromSource)
		c.r.limits.hit(logging.TooManyConnectionsFromSource, "max_connections_per_source", logging.ClientIP(c.remote.Addr()))
		return logging.TooManyConnectionsFromSource
	}
	c.source = source
	return ""
}

// left accounts for the end of a connection.
func (c *conn) left() {
	r := c.r
	if c.source.IsValid() {
		r.sources.leave(c.source)
	}
	r.uploads.Add(-int64(c.uploads.Swap(0)))
	if r.open.Add(-1) == 0 {
		select {
		case r.idle <- struct{}{}:
		default: // signalled already
		}
	}
}

func (r *Reactor) isProxy(from netip.Addr) bool {
	for _, network := range r.ProxyProtocolFrom {
		if network.Contains(from) {
			return true
		}
	}
	return false
}
