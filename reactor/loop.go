package reactor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/internal/logging"
)

// A loop is what belongs to one of gnet's event loops. Its methods are called
// on it only.
type loop struct {
	r        *Reactor
	gnet     gnet.EventLoop
	interest interest
	wheel    wheel
	due      []*conn     // whose time has come
	now      time.Time   // of the event at hand
	kept     []*conn     // with a chunk that is not full
	paced    []*conn     // that are not read for a while
	plain    []byte      // what TLS brought to light, before it is received
	dead     atomic.Bool // it ended unasked
	peer     *os.File    // the other end of its own connection
	bytesIn  atomic.Int64
	bytesOut atomic.Int64
}

// findLoops meets gnet's event loops through a connection that each of them
// gets for itself. Nothing is ever sent on it. It shows which poller is the
// loop's, and its end shows that the loop ended: gnet would not say.
func (r *Reactor) findLoops() error {
	for range r.EventLoops { // each goes to a loop that has none yet
		l := &loop{r: r, plain: make([]byte, readBuffer)}
		l.wheel.init(time.Now())
		own, err := l.connectItself()
		if err != nil {
			return err
		}
		if _, err := r.client.EnrollContext(own, l); err != nil {
			return fmt.Errorf("give an event loop its own connection: %w", err)
		}
		r.loops[l.gnet] = l
	}
	for _, l := range r.loops {
		logging.Log(r.Log, logging.ServerReactor, logging.Mechanism(l.interest.mechanism()))
		break
	}
	return nil
}

func (l *loop) connectItself() (net.Conn, error) {
	syscall.ForkLock.RLock() // SOCK_CLOEXEC is not everywhere
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(pair[0])
		unix.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("connect an event loop to itself: %w", err)
	}
	l.peer = os.NewFile(uintptr(pair[1]), "event loop")
	own := os.NewFile(uintptr(pair[0]), "event loop")
	defer own.Close()
	return net.FileConn(own)
}

// opened is called on the loop when its own connection is there.
func (l *loop) opened(g gnet.Conn) {
	l.gnet = g.EventLoop()
	if !l.r.blocking {
		l.interest = findInterest(g.Fd())
	} else {
		l.interest = interest{-1}
	}
}

// closed is called when its own connection ends: gnet closes all when a loop
// ends, for whatever reason.
func (l *loop) closed() {
	if l.r.stopping.Load() {
		return
	}
	l.dead.Store(true)
	l.r.breaks.Do(func() { // the next one is no news
		l.r.failed <- errLoopEnded
		close(l.r.broken)
	})
}

var errLoopEnded = errors.New("an event loop ended")

// run queues f to be run on the loop. After the loops have stopped it does
// nothing.
func (l *loop) run(f func()) {
	_ = l.gnet.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
		defer l.recover()
		f()
		return nil
	}))
}

// callbacks are what gnet calls.
type callbacks struct{ r *Reactor }

func (callbacks) OnBoot(gnet.Engine) gnet.Action       { return gnet.None }
func (callbacks) OnShutdown(gnet.Engine)               {}
func (callbacks) OnTick() (time.Duration, gnet.Action) { return time.Hour, gnet.None }

// OnOpen is called on the connection's loop before anything else.
func (b *callbacks) OnOpen(g gnet.Conn) (_ []byte, action gnet.Action) {
	c, ok := g.Context().(*conn)
	if !ok {
		g.Context().(*loop).opened(g)
		return nil, gnet.None
	}
	defer c.recoverTo(&action)
	c.gnet, c.fd, c.loop = g, g.Fd(), b.r.loops[g.EventLoop()]
	c.loop.now = time.Now()
	c.loop.wheel.add(c, c.loop.now.Add(c.shortest()))
	if c.loop.interest.poller < 0 {
		c.unblocked = make(chan struct{}, 1)
	}
	if c.proxy == nil {
		c.logOpen()
	}
	if b.r.draining.Load() {
		c.reason = logging.ShuttingDown
		return nil, gnet.Close
	}
	return nil, gnet.None
}

// OnTraffic is called with what one read brought, at most readBuffer bytes.
func (b *callbacks) OnTraffic(g gnet.Conn) (action gnet.Action) {
	c, ok := g.Context().(*conn)
	if !ok {
		return gnet.None
	}
	defer c.recoverTo(&action)
	c.loop.now = time.Now()
	in, err := g.Next(-1)
	if err != nil {
		return gnet.Close
	}
	c.listen()
	if c.secure != nil {
		c.receiveSecure(in)
		return gnet.None
	}
	c.receive(in)
	return gnet.None
}

// OnClose is called once, before the descriptor is closed.
func (b *callbacks) OnClose(g gnet.Conn, err error) (action gnet.Action) {
	c, ok := g.Context().(*conn)
	if !ok {
		g.Context().(*loop).closed()
		return gnet.None
	}
	defer c.recoverTo(&action)
	c.close(err)
	return gnet.None
}

// recoverTo turns a panic on the loop into the end of one connection: in a
// callback of gnet it would end the server.
func (c *conn) recoverTo(action *gnet.Action) {
	if cause := recover(); cause != nil {
		c.logPanic(cause)
		c.reason = logging.InternalError
		*action = gnet.Close
	}
}

// recoverOnLoop does the same for a task on the loop.
func (c *conn) recoverOnLoop() {
	if cause := recover(); cause != nil {
		c.logPanic(cause)
		c.shut(logging.InternalError)
	}
}

// recover keeps a panic in a task of the loop itself from ending the server.
func (l *loop) recover() {
	if cause := recover(); cause != nil {
		l.r.panics.Add(1)
		logging.Log(l.r.Log, logging.ServerPanic, logging.Error(fmt.Errorf("%v", cause)), logging.Stack())
	}
}

// close takes leave of the connection: what was received is still served, then
// the session ends. A client that only ended its sending still gets its answer.
func (c *conn) close(err error) {
	c.closed = true
	if c.lent {
		if failed := c.recall(); failed != nil {
			err = failed
		}
	}
	if c.paused {
		c.paused = false
		c.countPause(true)
	}
	c.loop.wheel.remove(c)
	if c.hold&holdMemory != 0 {
		c.r.memory.forget(c)
	}
	err = c.endSecure(err)
	c.reason = c.closeReason(err)
	c.penalize(c.reason)
	c.abandonContent()
	c.mu.Lock()
	owing := c.serving || c.head != nil || c.answers > 0
	if owing && errors.Is(err, io.EOF) {
		c.afterlife, _ = unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0) // -1 when it fails: no answer
	}
	c.mu.Unlock()
	c.lastWords()
	c.push(c.r.newTask(closeTask))
}

func (c *conn) closeReason(err error) logging.Reason {
	switch {
	case c.reason != "":
		return c.reason
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return logging.ConnectionReset
	case errors.Is(err, io.EOF):
		if failed, _ := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); failed != 0 {
			return logging.ConnectionReset // a connection that is not read ends like this
		}
		return c.cutShort()
	case err == nil:
		return logging.ShuttingDown
	}
	return logging.ConnectionFailed
}

// cutShort says what the client left undone when it closed.
func (c *conn) cutShort() logging.Reason {
	switch {
	case c.decoder.Between():
		return logging.ClientClosed
	case c.decoder.InPayload():
		return logging.PayloadCutShort
	}
	return logging.HeaderCutShort
}

// shut closes the connection from the server's side.
func (c *conn) shut(reason logging.Reason) {
	if c.reason == "" {
		c.reason = reason
	}
	if !c.closed {
		c.goodbye()
		_ = c.loop.gnet.Close(c.gnet)
	}
}

func (l *loop) closeIdle() {
	l.wheel.each(func(c *conn) { c.closeIfDrained() })
}

func (l *loop) closeAll(reason logging.Reason) {
	l.wheel.each(func(c *conn) { c.shut(reason) })
	for _, c := range l.due {
		c.shut(reason)
	}
}

func (c *conn) logPanic(cause any) {
	c.r.panics.Add(1)
	logging.Log(c.r.Log, logging.ServerPanic, logging.ConnID(c.id),
		logging.Error(fmt.Errorf("%v", cause)), logging.Stack())
}
