package reactor

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/internal/logging"
)

// TLS says how connections are served that come through TLS.
type TLS struct {
	Listener         net.Listener       // TCP; closed by the reactor; nil: there is no TLS
	Config           func() *tls.Config // of the next connection; it may be called from anywhere
	HandshakeTimeout time.Duration      // for the whole handshake, from the accepting
}

const (
	// maxHandshakes is how many handshakes may be under way at once. Each holds
	// a goroutine and up to 100 KiB.
	maxHandshakes = 4096
	// handshakeMark is how many bytes may wait for a handshake before the
	// connection is not read. A whole ClientHello is smaller.
	handshakeMark = 64 << 10
)

// A secure is the TLS of one connection: the engine of crypto/tls between the
// ciphertext that the loop reads and the plaintext that receive takes. The
// handshake is run by a goroutine of its own, because crypto/tls has to wait in
// the middle of it; everything after it happens on the loop, where the engine
// finds what has arrived and, when that is used up, errNothingYet. crypto/tls
// takes up a record again after such an error, because it is temporary.
//
// It is the net.Conn that the engine stands on.
type secure struct {
	conn        *conn
	engine      *tls.Conn // nil before the first byte
	in          []byte    // ciphertext at hand
	direct      bool      // the descriptor is read when that is used up
	left        int       // bytes that may still be read so in this event
	established bool      // the handshake is over: the loop has the engine
	ended       bool      // the client's close_notify is here
	leaving     bool      // gnet closes the connection now
	failure     error     // why TLS ended the connection

	mu     sync.Mutex
	moved  sync.Cond // something of these changed
	inbox  []byte    // ciphertext for the handshake
	over   bool      // no more will come
	shaken bool      // the goroutine of the handshake has ended
	result error     // of the handshake then
}

func newSecure(c *conn) *secure {
	s := &secure{conn: c}
	s.moved.L = &s.mu
	return s
}

// receiveSecure takes what a read brought on a connection with TLS.
func (c *conn) receiveSecure(in []byte) {
	if c.proxy != nil {
		in = c.takeProxyHeader(in)
	}
	switch {
	case len(in) == 0 || c.closed || c.ending: // passed over
	case c.secure.established:
		c.decrypt(in)
	default:
		c.handshake(in)
	}
}

// handshake brings the goroutine of the handshake what has arrived for it.
func (c *conn) handshake(in []byte) {
	s := c.secure
	if s.engine == nil {
		if c.r.handshakes.Add(1) > maxHandshakes {
			c.r.handshakes.Add(-1)
			c.r.limits.hit(logging.TooManyHandshakes, "", logging.ConnID(c.id), logging.ClientIP(c.remote.Addr()))
			c.shut(logging.TooManyHandshakes)
			return
		}
		s.engine = tls.Server(s, c.r.TLS.Config())
		c.r.shaking.Go(s.shake)
	}
	s.mu.Lock()
	s.inbox = append(s.inbox, in...)
	s.moved.Broadcast()
	for c.unblocked != nil && s.full() {
		s.moved.Wait() // the connection cannot be paused
	}
	shaken := s.shaken
	s.mu.Unlock()
	if shaken {
		c.takeOver()
		return
	}
	c.regulate()
}

// full reports whether the handshake has more before it than it needs. The lock
// is held.
func (s *secure) full() bool { return len(s.inbox) >= handshakeMark && !s.shaken }

// shake runs the handshake. It takes a place among those that compute, which
// Read gives up while it waits for the client: who is slow keeps nobody waiting.
func (s *secure) shake() {
	r := s.conn.r
	r.computing <- struct{}{}
	err := s.tryHandshake()
	<-r.computing
	r.handshakes.Add(-1)
	s.mu.Lock()
	s.shaken, s.result = true, err
	s.moved.Broadcast()
	s.mu.Unlock()
	s.conn.loop.run(func() {
		defer s.conn.recoverOnLoop()
		s.conn.takeOver()
	})
}

func (s *secure) tryHandshake() (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.conn.logPanic(cause)
			err = fmt.Errorf("%v", cause)
		}
	}()
	return s.engine.Handshake()
}

// takeOver takes the engine over to the loop when the handshake has ended.
func (c *conn) takeOver() {
	s := c.secure
	if c.closed || c.ending || s.established {
		return
	}
	c.loop.now = time.Now()
	if s.result != nil {
		why := logging.HandshakeFailed
		if c.cameWithoutTLS(s.result) {
			why = logging.PlainAtTLSPort
		}
		c.failSecure(why, s.result)
		return
	}
	s.established = true
	c.active = c.loop.now
	c.logSecured()
	rest := s.inbox
	s.inbox = nil
	c.decrypt(rest)
}

// decrypt feeds the engine and gives receive what comes out. Nothing stays
// behind but a part of a record, so a connection that is not read holds no more
// than that.
func (c *conn) decrypt(in []byte) {
	s := c.secure
	s.in, s.left = in, c.r.burst
	for !c.closed && !c.ending {
		n, err := s.engine.Read(c.loop.plain)
		switch {
		case err == nil:
			c.receive(c.loop.plain[:n])
			continue
		case errors.Is(err, errNothingYet):
			c.settle()
		case errors.Is(err, io.EOF):
			s.ended = true
			_ = c.loop.gnet.Close(c.gnet)
		default:
			c.failSecure(logging.TLSRecord, err)
		}
		break
	}
	s.in = nil
}

// fill reads plaintext into p as far as it goes, also from the descriptor. An
// error comes again at the next read.
func (s *secure) fill(p []byte) (n int) {
	s.direct = true
	for n < len(p) && s.left > 0 {
		k, err := s.engine.Read(p[n:])
		n += k
		if err != nil {
			s.left = 0
		}
	}
	s.direct = false
	return n
}

// failSecure ends a connection whose TLS failed. The engine has sent its alert:
// it is given time to arrive.
func (c *conn) failSecure(why logging.Reason, err error) {
	c.secure.failure = err
	c.reason = why
	c.answeredLast = true
	c.linger()
}

// endSecure ends the TLS of a connection that gnet closes, and returns how the
// stream ended: a close_notify is as good an end as that of TCP.
func (c *conn) endSecure(err error) error {
	s := c.secure
	if s == nil {
		return err
	}
	s.mu.Lock()
	s.over = true
	s.moved.Broadcast()
	s.mu.Unlock()
	switch {
	case s.ended && err == nil:
		return io.EOF
	case s.engine != nil && !s.established && c.reason == "":
		c.reason, s.failure = logging.HandshakeFailed, err
	}
	return err
}

// lastWords says goodbye to a client whose connection gnet closes, unless
// answers follow on the duplicate of its descriptor.
func (c *conn) lastWords() {
	if c.secure != nil && c.afterlife < 0 {
		c.secure.leaving = true
		c.goodbye()
		c.secure.leaving = false
	}
}

// goodbye sends the close_notify. It may be called again.
func (c *conn) goodbye() {
	if s := c.secure; s != nil && s.established {
		_ = s.engine.CloseWrite() // the client may be gone
	}
}

// failure returns the error by which TLS ended the connection, or nil.
func (c *conn) failure() error {
	if c.secure == nil {
		return nil
	}
	return c.secure.failure
}

// handshaking reports whether the connection still is to become secure.
func (c *conn) handshaking() bool { return c.secure != nil && !c.secure.established }

func (c *conn) handshakeHold() hold {
	if !c.handshaking() {
		return 0
	}
	c.secure.mu.Lock()
	defer c.secure.mu.Unlock()
	if c.secure.full() {
		return holdHandshake
	}
	return 0
}

// output sends bytes to the client, through TLS if there is one.
func (c *conn) output(p []byte) (int, error) {
	if c.secure != nil {
		return c.secure.engine.Write(p)
	}
	return c.gnet.Write(p)
}

// outputAfterlife does the same once gnet has closed the connection.
func (c *conn) outputAfterlife(p []byte) {
	if c.secure != nil {
		_, _ = c.secure.engine.Write(p)
		return
	}
	_, _ = unix.Write(c.afterlife, p)
}

// readMore reads as much as fits into p from the descriptor, through TLS if
// there is one. It returns how much that was. When that fails for good, it
// closes the connection: the kernel says why only once.
func (c *conn) readMore(p []byte) int {
	if c.secure != nil {
		return c.secure.fill(p)
	}
	n, err := unix.Read(c.fd, p)
	if broken(err) {
		c.shut(c.closeReason(err))
	}
	return max(n, 0)
}

func (c *conn) logSecured() {
	if !logging.Enabled(c.r.Log, logging.ConnSecured) {
		return
	}
	state := c.secure.engine.ConnectionState()
	fields := append(certificateFields(state), logging.ConnID(c.id), logging.ClientIP(c.remote.Addr()),
		logging.TLSVersion(tls.VersionName(state.Version)), logging.TLSCipher(tls.CipherSuiteName(state.CipherSuite)),
		logging.TLSResumed(state.DidResume), logging.Duration(c.loop.now.Sub(c.opened)))
	logging.Log(c.r.Log, logging.ConnSecured, fields...)
}
