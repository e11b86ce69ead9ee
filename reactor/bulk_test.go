package reactor

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// A gate is a session that holds its first piece of content until it is opened,
// or the server gives up.
type gate struct {
	reached, open chan struct{}
	held          atomic.Bool
	then          Answer // to the piece
}

func newGate() *gate { return &gate{reached: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) script() script {
	return script{content: func(ctx context.Context, _ []byte) Answer {
		if !g.held.CompareAndSwap(false, true) {
			return Answer{}
		}
		close(g.reached)
		select {
		case <-g.open:
		case <-ctx.Done():
		}
		return g.then
	}}
}

// lent starts an upload of size bytes, and a registration behind it, and returns when a worker reads it and is
// held in its first piece.
func (g *gate) lent(s *testReactor, size int) *peer {
	s.t.Helper()
	p := s.dial()
	go func() {
		_, _ = p.Write(append(head(size), make([]byte, size)...)) // it may be cut short
		_, _ = p.Write(registration())
	}()
	wait(s.t, g.reached, "the first piece")
	eventually(s.t, "the upload is lent", func() bool { return s.unreadConns() == 1 })
	return p
}

// TestBulkLetsOthersPass holds a worker in a write for a connection that it
// reads: its loop goes on serving others.
func TestBulkLetsOthersPass(t *testing.T) {
	g := newGate()
	s := start(t, g.script(), func(c *Config) { c.EventLoops = 1 })
	p := g.lent(s, 4*mib)
	for range 10 {
		other := s.dial()
		other.send(registration())
		other.expect(codec.CodeAcknowledged)
	}
	close(g.open)
	p.expect(codec.CodeFileReceived)
	p.expect(codec.CodeAcknowledged)
}

// TestBulkThatIsRefused: an answer in the middle calls the connection back. The
// rest is passed over, and the next request is served.
func TestBulkThatIsRefused(t *testing.T) {
	g := newGate()
	g.then = refused
	s := start(t, g.script())
	p := g.lent(s, 16*mib)
	close(g.open)
	p.expect(codec.CodeRegistrationError)
	p.expect(codec.CodeAcknowledged)
}

// TestBulkCutShort closes an upload that a worker reads, in both ways.
func TestBulkCutShort(t *testing.T) {
	for _, reset := range []bool{false, true} {
		g := newGate()
		s := start(t, g.script())
		p := s.dial()
		p.send(head(64 * mib))
		p.send(make([]byte, mib))
		wait(t, g.reached, "the first piece")
		want := logging.PayloadCutShort
		if reset {
			want = logging.ConnectionReset
			_ = p.SetLinger(0)
		}
		p.Close()
		close(g.open)
		s.expectClosed(1, want)
		s.drain()
	}
}

// TestBulkHalfClosed: who ends its sending with the last byte still gets the
// answer.
func TestBulkHalfClosed(t *testing.T) {
	g := newGate()
	s := start(t, g.script())
	p := s.dial()
	p.send(head(mib), make([]byte, mib))
	_ = p.CloseWrite()
	close(g.open)
	p.expect(codec.CodeFileReceived)
	p.expect(0)
}

// TestBulkIsGivenUp: a drain that has waited long enough closes it.
func TestBulkIsGivenUp(t *testing.T) {
	g := newGate()
	s := start(t, g.script())
	p := g.lent(s, 4*mib)
	s.drain()
	p.closed()
	s.expectClosed(1, logging.DrainTimeout)
}
