package reactor

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// A pausable is an engine whose connection's interest can be changed, and that
// counts what is read.
type pausable struct {
	*engine
	interest interest
	read     atomic.Int64
}

func newPausable(t *testing.T) *pausable {
	t.Helper()
	p := &pausable{engine: newEngine(t)}
	p.interest = findInterest(p.fd)
	if p.interest.poller < 0 {
		t.Fatal("the poller is not found")
	}
	p.on(func() {
		p.traffic = func(c gnet.Conn) {
			b, _ := c.Next(-1)
			p.read.Add(int64(len(b)))
		}
	})
	return p
}

func (p *pausable) set(read, output bool) {
	p.t.Helper()
	p.on(func() {
		if err := p.interest.set(p.fd, read, output); err != nil {
			p.t.Errorf("set: %v", err)
		}
	})
}

// quiet lets the loop go round a few times, and checks that nothing is read.
func (p *pausable) quiet() {
	p.t.Helper()
	before := p.read.Load()
	for range 50 {
		p.on(func() {})
	}
	if n := p.read.Load(); n != before {
		p.t.Fatalf("%d bytes are read during the pause", n-before)
	}
}

func TestPauseAndResume(t *testing.T) {
	p := newPausable(t)
	for round := range int64(100) {
		p.set(false, false)
		_, _ = p.peer.Write([]byte("16 bytes to read"))
		p.quiet()
		p.set(true, false)
		eventually(t, "it is read after the pause", func() bool { return p.read.Load() == 16*(round+1) })
	}
}

// fillOutput writes from the loop until the kernel takes no more.
func (p *pausable) fillOutput() (total int) {
	p.on(func() {
		for b := make([]byte, 1<<20); p.conn.OutboundBuffered() == 0; {
			n, err := p.conn.Write(b)
			if err != nil {
				p.t.Error(err)
				return
			}
			total += n
		}
	})
	return total
}

// TestPauseWithOutputPending keeps sending what waits while nothing is read, and
// shows that gnet arms reading again when all is sent.
func TestPauseWithOutputPending(t *testing.T) {
	p := newPausable(t)
	total := p.fillOutput()
	p.set(false, true)
	_, _ = p.peer.Write([]byte("16 bytes to read"))
	p.quiet()
	for b := make([]byte, 1<<20); total > 0; {
		n, err := p.peer.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		total -= n
	}
	eventually(t, "gnet reads again after the flush", func() bool { return p.read.Load() == 16 })
	p.set(false, false) // as the reactor does at the end of that event
	_, _ = p.peer.Write([]byte("16 bytes to read"))
	p.quiet()
}

func TestCloseWhilePaused(t *testing.T) {
	p := newPausable(t)
	p.set(false, false)
	p.on(func() { _ = p.conn.EventLoop().Close(p.conn) })
	wait(t, p.ended, "OnClose")
	if err := p.interest.set(p.fd, true, false); err == nil {
		t.Error("the interest in a closed descriptor can be changed")
	}
}

// TestDescriptorReuse closes a paused connection and opens another with the same
// descriptor: nothing of the pause is left.
func TestDescriptorReuse(t *testing.T) {
	p := newPausable(t)
	for range 20 {
		p.set(false, false)
		p.on(func() { _ = p.conn.EventLoop().Close(p.conn) })
		wait(t, p.ended, "OnClose")
		// The pair's own descriptors come first: one of them or gnet's duplicate
		// gets the number that became free.
		peer, own := tcpPair(t)
		c, err := p.client.Enroll(own)
		if err != nil {
			t.Fatal(err)
		}
		before := p.read.Load()
		p.peer, p.conn, p.fd = peer, c, c.Fd()
		_, _ = peer.Write([]byte("16 bytes to read"))
		eventually(t, "the new connection is read", func() bool { return p.read.Load() == before+16 })
	}
}

// TestResetWhilePaused: a reset ends a paused connection, at once and once; its
// loop does not spin.
func TestResetWhilePaused(t *testing.T) {
	for _, output := range []bool{false, true} {
		p := newPausable(t)
		if output {
			p.fillOutput()
		}
		p.set(false, output)
		_, _ = p.peer.Write([]byte("16 bytes to read"))
		_ = p.peer.SetLinger(0)
		p.peer.Close()
		wait(t, p.ended, "OnClose")
		if len(p.ended) > 0 {
			t.Error("OnClose is called twice")
		}
	}
}

// TestHangUpWhilePaused: a client that ended its sending is not noticed before
// the pause ends, and costs nothing until then.
func TestHangUpWhilePaused(t *testing.T) {
	p := newPausable(t)
	p.set(false, false)
	_, _ = p.peer.Write([]byte("16 bytes to read"))
	_ = p.peer.CloseWrite()
	p.quiet()
	before := processTime(t)
	time.Sleep(100 * time.Millisecond) // a loop that spins would spend all of it
	if spent := processTime(t) - before; spent > 80*time.Millisecond {
		t.Errorf("%v of processor time are spent in a pause", spent)
	}
	p.set(true, false)
	wait(t, p.ended, "OnClose")
	if n := p.read.Load(); n != 16 {
		t.Errorf("%d bytes are read, want 16", n)
	}
}

func processTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestMechanismIsLogged: before the first connection, and once.
func TestMechanismIsLogged(t *testing.T) {
	for blocking, want := range map[bool]string{false: "read_interest", true: "blocking"} {
		s := start(t, script{}, func(c *Config) { c.blocking = blocking })
		found := ""
		for _, line := range s.log.lines(t, "server.reactor") {
			if m, named := line["mechanism"].(string); named {
				found += m
			}
		}
		if found != want {
			t.Errorf("the log names %q, want %q", found, want)
		}
	}
}
