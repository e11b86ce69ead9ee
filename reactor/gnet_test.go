package reactor

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"
	gneterrors "github.com/panjf2000/gnet/v2/pkg/errors"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// Tests named TestGnetEdge show what gnet does, and that the reactor lives with
// it. One that fails after an upgrade says that gnet changed.

// An engine is gnet without the reactor: one loop, and what a test wants to
// happen on it.
type engine struct {
	gnet.BuiltinEventEngine
	t       testing.TB
	client  *gnet.Client
	conn    gnet.Conn // the one that was enrolled
	fd      int
	peer    *net.TCPConn
	traffic func(gnet.Conn)
	ended   chan error // OnClose's
}

// newEngine starts an engine with one connection.
func newEngine(t testing.TB) *engine {
	t.Helper()
	e := &engine{t: t, ended: make(chan error, 10), traffic: func(gnet.Conn) {}}
	var err error
	e.client, err = gnet.NewClient(e, gnet.WithNumEventLoop(1), gnet.WithReadBufferCap(readBuffer),
		gnet.WithLogger(logging.NewReactor(zap.NewNop())))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.client.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.client.Stop() })
	var own net.Conn
	e.peer, own = tcpPair(t)
	if e.conn, err = e.client.Enroll(own); err != nil {
		t.Fatal(err)
	}
	e.fd = e.conn.Fd()
	return e
}

// tcpPair returns both ends of a TCP connection.
func tcpPair(t testing.TB) (*net.TCPConn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	_ = a.SetDeadline(time.Now().Add(patience))
	return a.(*net.TCPConn), b
}

func (e *engine) OnTraffic(c gnet.Conn) gnet.Action {
	e.traffic(c)
	return gnet.None
}

func (e *engine) OnClose(_ gnet.Conn, err error) gnet.Action {
	e.ended <- err
	return gnet.None
}

// on runs f on the loop and returns when it is done.
func (e *engine) on(f func()) {
	e.t.Helper()
	done := make(chan struct{})
	err := e.conn.EventLoop().Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
		defer close(done)
		f()
		return nil
	}))
	if err != nil {
		e.t.Fatal(err)
	}
	wait(e.t, done, "the loop")
}

// occupy makes fd a descriptor of c, as if the kernel had given it out again.
func occupy(t *testing.T, fd int, c *net.TCPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(from uintptr) {
		if int(from) == fd {
			return // it was given out again
		}
		if err := unix.Dup3(int(from), fd, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
	})
}

// Write on a closed Conn reaches whoever has the descriptor now. The reactor
// asks before each write whether the connection is closed.
func TestGnetEdgeWriteAfterClose(t *testing.T) {
	e := newEngine(t)
	e.on(func() { _ = e.conn.EventLoop().Close(e.conn) })
	stranger, own := tcpPair(t)
	defer own.Close()
	occupy(t, e.fd, own.(*net.TCPConn))
	e.on(func() { _, _ = e.conn.Write([]byte("astray")) })
	b := make([]byte, 10)
	if n, err := stranger.Read(b); string(b[:n]) != "astray" {
		t.Errorf("gnet does not write to a closed connection's descriptor any more (%v)", err)
	}
}

// The reactor's answer to a connection that was closed goes nowhere.
func TestGnetEdgeAnswerAfterClose(t *testing.T) {
	release, waiting := make(chan struct{}), make(chan struct{})
	s := start(t, script{request: func(context.Context, Request) Answer {
		close(waiting)
		<-release
		return acknowledged
	}}, func(c *Config) { c.EventLoops = 1 })
	p := s.dial()
	p.send(registration())
	wait(t, waiting, "the request")
	fd := -1
	s.onConns(func(c *conn) { fd = c.fd })
	_ = p.SetLinger(0)
	p.Close()
	eventually(t, "the connection is closed", s.inClose)
	stranger, own := tcpPair(t)
	occupy(t, fd, own.(*net.TCPConn))
	close(release)
	eventually(t, "the connection is forgotten", func() bool { return s.Connections() == 0 })
	s.onConns(func(*conn) {})
	_ = own.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(stranger); len(got) > 0 {
		t.Errorf("a stranger was sent %q (%v)", got, err)
	}
}

// Dup on a closed Conn duplicates a stranger's descriptor. The reactor
// duplicates in OnClose, when the descriptor is still its own.
func TestGnetEdgeDupAfterClose(t *testing.T) {
	e := newEngine(t)
	e.on(func() { _ = e.conn.EventLoop().Close(e.conn) })
	_, own := tcpPair(t)
	defer own.Close()
	occupy(t, e.fd, own.(*net.TCPConn))
	fd, err := e.conn.Dup()
	if err != nil {
		t.Fatalf("Dup refuses a closed connection now: %v", err)
	}
	unix.Close(fd)
}

// Peek, Next and Discard take 0 for everything. The reactor calls Next(-1) once
// and nothing else.
func TestGnetEdgeZeroMeansAll(t *testing.T) {
	e := newEngine(t)
	seen := make(chan [3]int, 1)
	e.on(func() {
		e.traffic = func(c gnet.Conn) {
			p, _ := c.Peek(0)
			n, _ := c.Discard(0)
			seen <- [3]int{len(p), n, c.InboundBuffered()}
		}
	})
	_, _ = e.peer.Write([]byte("12345"))
	if got := wait(t, seen, "traffic"); got != [3]int{5, 5, 0} {
		t.Errorf("Peek(0), Discard(0) and the rest are %v", got)
	}
}

// What OnTraffic leaves is kept by gnet, without a bound. The reactor leaves
// nothing.
func TestGnetEdgeLeftInputIsKept(t *testing.T) {
	e := newEngine(t)
	const size = 4 * mib
	go func() { _, _ = e.peer.Write(make([]byte, size)) }()
	eventually(t, "gnet has it all", func() bool {
		n := 0
		e.on(func() { n = e.conn.InboundBuffered() })
		return n == size
	})

	s := start(t, script{})
	p := s.dial()
	p.send(head(size), make([]byte, size))
	p.expect(codec.CodeFileReceived)
	s.onConns(func(c *conn) {
		if n := c.gnet.InboundBuffered(); n != 0 {
			t.Errorf("%d bytes are left with gnet", n)
		}
	})
}

// A panic in a callback would end the process: gnet does not recover. The
// reactor does, see TestPanicOnLoop. Here it is enough that no callback lacks it.
func TestGnetEdgePanicInCallback(t *testing.T) {
	s := start(t, script{})
	b := &callbacks{s.Reactor}
	broken := func() fakeConn { return fakeConn{context: &conn{r: s.Reactor}} } // without a loop
	if _, action := b.OnOpen(broken()); action != gnet.Close {
		t.Errorf("OnOpen returns %v", action)
	}
	if action := b.OnTraffic(broken()); action != gnet.Close {
		t.Errorf("OnTraffic returns %v", action)
	}
	_ = b.OnClose(broken(), nil)
	if s.Panics() != 3 {
		t.Errorf("%d panics, want 3", s.Panics())
	}
}

// A fakeConn panics in all methods but one.
type fakeConn struct {
	gnet.Conn
	context any
}

func (f fakeConn) Context() any { return f.context }

// gnet closes a connection whose client only ended its sending. The reactor
// answers it through a duplicate: TestHalfClosedClient.
func TestGnetEdgeHalfClose(t *testing.T) {
	e := newEngine(t)
	_ = e.peer.CloseWrite()
	if err := wait(t, e.ended, "OnClose"); !errors.Is(err, io.EOF) {
		t.Errorf("OnClose is given %v", err)
	}
}

// Stop drops what was asked of the loops and not done yet. The reactor waits for
// that first.
func TestGnetEdgeStopDropsWrites(t *testing.T) {
	e := newEngine(t)
	var blocked, stopping sync.WaitGroup
	blocked.Add(1)
	stopping.Add(1)
	_ = e.conn.EventLoop().Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
		blocked.Done()
		stopping.Wait()
		return gneterrors.ErrEngineShutdown // what Stop queues before it
	}))
	blocked.Wait()
	_ = e.conn.AsyncWrite([]byte("late"), nil)
	stopping.Done()
	if got, _ := io.ReadAll(e.peer); len(got) > 0 {
		t.Errorf("gnet writes %q that was queued when it stopped", got)
	}

	// Half-closed clients are the hard case: gnet knows nothing of them any more.
	for range 20 {
		release := make(chan struct{})
		s := start(t, script{request: func(context.Context, Request) Answer {
			<-release
			return acknowledged
		}})
		p := s.dial()
		p.send(registration())
		_ = p.CloseWrite()
		eventually(t, "the server saw the end", s.inClose)
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			if err := s.Drain(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		eventually(t, "the drain has begun", s.draining.Load)
		close(release)
		p.expect(codec.CodeAcknowledged)
		wait(t, drained, "the end of Drain")
		s.Reactor = nil
	}
}

// A loop that ends says nothing. The reactor notices it and gives up, also when
// the others end after it.
func TestGnetEdgeLoopEnds(t *testing.T) {
	s := start(t, script{})
	p := s.dial()
	p.send(registration())
	p.expect(codec.CodeAcknowledged)
	known := false
	for _, l := range s.loops {
		_ = l.gnet.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			return gneterrors.ErrEngineShutdown
		}))
		eventually(t, "its end is noticed", l.dead.Load)
		if !known {
			known = wait(t, s.Failed(), "the failure") != nil
		}
	}
	if !known {
		t.Error("the failure has no error")
	}
	drained := make(chan error)
	go func() { drained <- s.Drain(context.Background()) }()
	if err := wait(t, drained, "the end of Drain"); !errors.Is(err, errLoopEnded) {
		t.Errorf("Drain returns %v", err)
	}
	s.Reactor = nil
}

// OnTick runs beside the loops. The reactor does not use it: its own ticks are
// run on each loop.
func TestGnetEdgeTickOffTheLoops(t *testing.T) {
	s := start(t, script{})
	done := make(chan bool, len(s.loops))
	for _, l := range s.loops {
		l.run(func() {
			before := l.wheel.done
			time.Sleep(2 * wheelTick) // a tick that ran elsewhere would move the wheel on
			done <- before == l.wheel.done
		})
	}
	for range s.loops {
		if !wait(t, done, "the loop") {
			t.Error("a wheel moved while its loop was busy")
		}
	}
}

// An error of the connection that is not read comes as an end: the reactor asks
// the kernel which it was.
func TestGnetEdgeResetWhilePaused(t *testing.T) {
	release, waiting := make(chan struct{}), make(chan struct{}, 1)
	s := start(t, script{content: func(context.Context, []byte) Answer {
		select {
		case waiting <- struct{}{}:
		default:
		}
		<-release
		return Answer{}
	}}, func(c *Config) { c.HighMark, c.LowMark = 2*largeChunk, largeChunk })
	p := s.dial()
	go func() { _, _ = p.Write(append(head(64*mib), make([]byte, 16*mib)...)) }()
	wait(t, waiting, "content") // which a reset before it would end
	eventually(t, "the loop does not read the connection", func() bool { return s.unreadConns() == 1 })
	_ = p.SetLinger(0)
	p.Close()
	eventually(t, "the connection is closed", s.inClose)
	close(release)
	s.expectClosed(1, logging.ConnectionReset)
}
