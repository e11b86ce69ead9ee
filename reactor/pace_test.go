package reactor

import (
	"context"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
)

// TestPause: a connection is not read for as long as the session says. Its
// client's time to be silent begins after that, and no other connection waits.
func TestPause(t *testing.T) {
	const pause = time.Second
	var paused time.Time
	r := start(t, script{content: func(context.Context, []byte) Answer {
		paused = time.Now()
		return Answer{Pause: pause}
	}}, func(c *Config) { c.IdleTimeout = pause / 2 })
	p := r.dial()
	p.send(head(160), make([]byte, 160))
	p.expect(codec.CodeFileReceived)
	eventually(t, "the connection is paused", func() bool { return r.unreadConns() == 1 })
	p.send(verdict())

	other := r.dial()
	other.send(verdict())
	other.expect(codec.CodeAcknowledged)
	p.expect(codec.CodeAcknowledged)
	if waited := time.Since(paused); waited < pause {
		t.Errorf("the connection was read again after %v, not %v", waited, pause)
	}
	if n := r.unreadConns(); n != 0 {
		t.Errorf("%d connections are paused", n)
	}
}

// TestPausedConnectionEnds: a drain need not wait for the end of a pause.
func TestPausedConnectionEnds(t *testing.T) {
	r := start(t, script{content: func(context.Context, []byte) Answer { return Answer{Pause: time.Hour} }})
	p := r.dial()
	p.send(head(320), make([]byte, 160))
	eventually(t, "the connection is paused", func() bool { return r.unreadConns() == 1 })
	r.drain()
	p.closed()
}
