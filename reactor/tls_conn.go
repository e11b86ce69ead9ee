package reactor

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/internal/logging"
)

// errNothingYet says that the engine has used up what arrived. crypto/tls
// leaves a connection as it is after an error that calls itself temporary.
var errNothingYet net.Error = nothingYet{}

type nothingYet struct{}

func (nothingYet) Error() string   { return "no more has arrived" }
func (nothingYet) Timeout() bool   { return false }
func (nothingYet) Temporary() bool { return true }

var errWrittenAfterEnd = errors.New("the connection has ended")

// Read gives the engine ciphertext.
func (s *secure) Read(p []byte) (int, error) {
	if !s.established {
		return s.await(p)
	}
	if len(s.in) > 0 {
		n := copy(p, s.in)
		s.in = s.in[n:]
		return n, nil
	}
	if !s.direct {
		return 0, errNothingYet
	}
	n, err := unix.Read(s.conn.fd, p)
	if err != nil || n <= 0 {
		return 0, errNothingYet // gnet will find the same and say so
	}
	s.left -= n
	return n, nil
}

// await waits for ciphertext during the handshake. Meanwhile others compute.
func (s *secure) await(p []byte) (int, error) {
	<-s.conn.r.computing
	defer func() { s.conn.r.computing <- struct{}{} }()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.inbox) == 0 {
		if s.over {
			return 0, net.ErrClosed
		}
		s.moved.Wait()
	}
	n := copy(p, s.inbox)
	s.inbox = s.inbox[n:]
	s.moved.Broadcast()
	return n, nil
}

// Write sends the engine's ciphertext: at once on the loop, and by the loop what
// the handshake says.
func (s *secure) Write(p []byte) (int, error) {
	c := s.conn
	switch {
	case !s.established:
		b := bytes.Clone(p)
		c.loop.run(func() {
			if !c.closed {
				_, _ = c.gnet.Write(b) // gnet closes the connection when it fails
			}
		})
		return len(p), nil
	case !c.closed:
		return c.gnet.Write(p)
	case c.afterlife >= 0:
		return unix.Write(c.afterlife, p)
	case s.leaving:
		return unix.Write(c.fd, p)
	}
	return 0, errWrittenAfterEnd
}

// Close does nothing: the loop closes connections.
func (s *secure) Close() error { return nil }

// LocalAddr is that of the listener.
func (s *secure) LocalAddr() net.Addr { return s.conn.r.TLS.Listener.Addr() }

// RemoteAddr is that of the client.
func (s *secure) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.conn.remote) }

// Deadlines are the wheel's.

// SetDeadline does nothing.
func (s *secure) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (s *secure) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (s *secure) SetWriteDeadline(time.Time) error { return nil }

// certificateFields say who the client's certificate is for, if it has one.
func certificateFields(state tls.ConnectionState) []zap.Field {
	if len(state.PeerCertificates) == 0 {
		return nil
	}
	leaf := state.PeerCertificates[0]
	return []zap.Field{
		logging.CertificateSubject(leaf.Subject.String()),
		logging.CertificateFingerprint(sha256.Sum256(leaf.Raw)),
	}
}
