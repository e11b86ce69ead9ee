package reactor

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// TestPanicCostsOneConnection panics in every part of a session.
func TestPanicCostsOneConnection(t *testing.T) {
	for _, test := range []struct {
		name   string
		broken script
	}{
		{"request", script{request: func(context.Context, Request) Answer { panic("fault") }}},
		{"content", script{content: func(context.Context, []byte) Answer { panic("fault") }}},
		{"end", script{end: func(context.Context) Answer { panic("fault") }}},
	} {
		t.Run(test.name, func(t *testing.T) {
			closed := make(chan struct{})
			test.broken.close = func() { close(closed) }
			s := startWith(t, func(i ConnInfo) Session {
				if i.ID == 2 {
					return test.broken
				}
				return script{}
			})
			other := s.dial()
			other.send(registration())
			other.expect(codec.CodeAcknowledged)
			p := s.dial()
			p.send(head(64), make([]byte, 64))
			p.closed()
			wait(t, closed, "the session's Close")
			other.send(registration())
			other.expect(codec.CodeAcknowledged)
			s.expectClosed(1, logging.InternalError)
			if n := len(s.log.lines(t, logging.ServerPanic)); n != 1 || s.Panics() != 1 {
				t.Errorf("%d panics are logged and %d are counted, want 1", n, s.Panics())
			}
		})
	}
}

func TestPanicInNewSessionAndInClose(t *testing.T) {
	s := startWith(t, func(i ConnInfo) Session {
		if i.ID == 1 {
			panic("fault")
		}
		return script{close: func() { panic("fault") }}
	})
	p := s.dial()
	p.send(registration())
	p.closed()
	q := s.dial()
	q.send(registration())
	q.expect(codec.CodeAcknowledged)
	q.Close()
	eventually(t, "no connection is left", func() bool { return s.Connections() == 0 })
	if s.Panics() != 2 {
		t.Errorf("%d panics are counted, want 2", s.Panics())
	}
}

// TestPanicOnLoop panics in a task and in a callback of a loop.
func TestPanicOnLoop(t *testing.T) {
	s := start(t, script{})
	other := s.dial()
	s.eachLoop(func(*loop) { panic("fault") })
	p := s.dial()
	p.send(registration())
	p.expect(codec.CodeAcknowledged)
	s.onConns(func(c *conn) {
		if c.id == 2 {
			c.carried = blockBytes + 1 // a fault: more is held back than there is room for
		}
	})
	p.send(head(64), make([]byte, 64))
	p.closed()
	other.send(registration())
	other.expect(codec.CodeAcknowledged)
	if s.Panics() != int64(len(s.loops))+1 {
		t.Errorf("%d panics are counted, want %d", s.Panics(), len(s.loops)+1)
	}
}

// onConns calls f for each connection on its loop, and returns when all are
// done.
func (r *testReactor) onConns(f func(*conn)) {
	var done sync.WaitGroup
	done.Add(len(r.loops))
	r.eachLoop(func(l *loop) {
		defer done.Done()
		l.wheel.each(f)
	})
	done.Wait()
}

// TestCloseWithTasksQueued ends connections whose requests and content wait: all
// of it is served or dropped, and then the session closes, once.
func TestCloseWithTasksQueued(t *testing.T) {
	release := make(chan struct{})
	var open atomic.Int32
	s := startWith(t, func(ConnInfo) Session {
		open.Add(1)
		return script{
			request: func(_ context.Context, r Request) Answer {
				<-release
				return acknowledged
			},
			close: func() { open.Add(-1) },
		}
	})
	const clients = 20
	for range clients {
		p := s.dial()
		p.send(registration(), head(1000*16), make([]byte, 999*16))
		eventually(t, "the upload has begun", func() bool { return s.uploads.Load() > 0 })
		_ = p.SetLinger(0) // a reset
		p.Close()
	}
	close(release)
	eventually(t, "no connection is left", func() bool { return s.Connections() == 0 })
	if n := open.Load(); n != 0 {
		t.Errorf("%d sessions were not closed, or twice", n)
	}
}

// TestDrain: idle connections are closed, one in the middle of an upload
// finishes, and the port is closed.
func TestDrain(t *testing.T) {
	t.Parallel()
	waiting, release := make(chan struct{}), make(chan struct{})
	s := start(t, script{
		request: func(_ context.Context, r Request) Answer {
			switch {
			case r.Frame.Header.Code == codec.CodePublicKey:
				close(waiting)
				<-release
			case r.Frame.Content > 0:
				return Answer{}
			}
			return acknowledged
		},
		end: func(context.Context) Answer { return Answer{Response: codec.FileReceived{}, More: true} },
	})
	idle, busy, undecided, served := s.dial(), s.dial(), s.dial(), s.dial()
	undecided.send(head(64), make([]byte, 64)) // its verdict is to come
	undecided.expect(codec.CodeFileReceived)
	served.send(codec.AppendRequest(nil, codec.Documented, codec.ClientID{}, codec.PublicKey{Name: []byte("Ada")}))
	wait(t, waiting, "the request")
	idle.send(registration())
	idle.expect(codec.CodeAcknowledged)
	busy.send(head(64), make([]byte, 32))
	eventually(t, "the upload has begun", func() bool { return s.uploads.Load() == 1 })
	drained := make(chan error)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() { drained <- s.Drain(ctx) }()
	idle.expect(0) // after drainQuiet, in which the others were as quiet
	eventually(t, "only it is closed", func() bool { return s.Connections() == 3 })
	for range 3 {
		time.Sleep(wheelTick) // what must not happen has no event to wait for
	}
	undecided.send(verdict())
	undecided.expect(codec.CodeAcknowledged)
	close(release)
	served.expect(codec.CodeAcknowledged)
	busy.send(make([]byte, 32))
	busy.expect(codec.CodeFileReceived)
	busy.send(verdict())
	busy.expect(codec.CodeAcknowledged)
	busy.expect(0)
	if err := wait(t, drained, "the end of Drain"); err != nil {
		t.Errorf("Drain: %v", err)
	}
	if nc, err := net.Dial("tcp", s.Addr().String()); err == nil {
		nc.Close()
		t.Error("a connection is accepted after the drain")
	}
	s.expectClosed(4, logging.ShuttingDown)
	s.Reactor = nil
}

// TestDrainTimeout: what is not finished in time is closed, and a session that
// waits is told.
func TestDrainTimeout(t *testing.T) {
	t.Parallel()
	waiting := make(chan struct{})
	s := start(t, script{request: func(ctx context.Context, _ Request) Answer {
		close(waiting)
		<-ctx.Done()
		return Answer{}
	}})
	p := s.dial()
	p.send(registration())
	wait(t, waiting, "the request")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Drain returns %v", err)
	}
	p.closed()
	s.expectClosed(1, logging.DrainTimeout)
	s.Reactor = nil
}

// TestManyConnections opens and closes connections in every way and counts the
// descriptors left.
func TestManyConnections(t *testing.T) {
	s := start(t, script{})
	round := func() {
		for i := range 200 {
			p := s.dial()
			switch i % 5 {
			case 0:
			case 1:
				p.send(registration()[:10])
			case 2:
				p.send(registration())
				p.expect(codec.CodeAcknowledged)
			case 3:
				p.send(head(64), make([]byte, 20))
				_ = p.SetLinger(0)
			case 4:
				p.send(verdict())
				_ = p.CloseWrite()
				p.expect(codec.CodeAcknowledged)
			}
			p.Close()
		}
		eventually(t, "no connection is left", func() bool { return s.Connections() == 0 })
		s.onConns(func(*conn) {}) // what the loops still had to do is done
	}
	round()
	before := openDescriptors()
	round()
	if after := openDescriptors(); after > before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
}

// TestNothingIsLeft starts and drains a reactor and counts descriptors and
// goroutines.
func TestNothingIsLeft(t *testing.T) {
	once := func() {
		t.Run("once", func(t *testing.T) {
			p := start(t, script{}).dial()
			p.send(registration())
			p.expect(codec.CodeAcknowledged)
		})
	}
	once()
	descriptors, goroutines := openDescriptors(), runtime.NumGoroutine()
	for range 5 {
		once()
	}
	eventually(t, "as many descriptors as before", func() bool { return openDescriptors() <= descriptors })
	eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines })
}
