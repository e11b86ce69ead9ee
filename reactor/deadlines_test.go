package reactor

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

const short = 300 * time.Millisecond

// TestDeadlines keeps silent in each state, and expects to be closed with that
// state's reason.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	const brief = "name_taken"
	for _, test := range []struct {
		name   string
		change func(*Config)
		send   func(*peer)
		want   logging.Reason
	}{
		{"nothing sent", func(c *Config) { c.IdleTimeout = short }, func(*peer) {}, logging.IdleTimeout},
		{"within a header", func(c *Config) { c.RequestTimeout = short }, func(p *peer) { p.send(registration()[:5]) }, logging.RequestTimeout},
		{"within a payload", func(c *Config) { c.RequestTimeout = short }, func(p *peer) { p.send(registration()[:100]) }, logging.RequestTimeout},
		{"between requests", func(c *Config) { c.IdleTimeout = short }, func(p *peer) {
			p.send(registration())
			p.expect(codec.CodeAcknowledged)
		}, logging.IdleTimeout},
		{"within a later header", func(c *Config) { c.RequestTimeout = short }, func(p *peer) {
			p.send(registration())
			p.expect(codec.CodeAcknowledged)
			p.send(verdict()[:22])
		}, logging.RequestTimeout},
		{"no content", func(c *Config) { c.RequestTimeout, c.MinimumBodyRate = short, 1000 }, func(p *peer) {
			p.send(head(64))
		}, logging.BodyTooSlow},
		{"content below the rate", func(c *Config) { c.RequestTimeout, c.MinimumBodyRate = short, 10000 }, func(p *peer) {
			p.send(head(1<<20), make([]byte, 1000))
		}, logging.BodyTooSlow},
		{"within what is skipped", func(c *Config) { c.RequestTimeout, c.MinimumBodyRate = short, 10000 }, func(p *peer) {
			unknown := head(1 << 20)
			unknown[17] += 100 // no code of the protocol
			p.send(unknown)
			p.expect(codec.CodeRegistrationError)
		}, logging.BodyTooSlow},
		{"the session's patience", nil, func(p *peer) {
			p.send(codec.AppendRequest(nil, codec.Documented, codec.ClientID{}, codec.Registration{Name: []byte(brief)}))
			p.expect(codec.CodeRegistrationError)
		}, logging.TakenNameTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, script{request: func(_ context.Context, r Request) Answer {
				switch {
				case r.Refusal != nil:
					return refused
				case string(r.Frame.Payload[:len(brief)]) == brief:
					return Answer{Response: codec.RegistrationError{}, Patience: short, Reason: logging.TakenNameTimeout}
				case r.Frame.Content > 0:
					return Answer{}
				}
				return acknowledged
			}}, func(c *Config) {
				if test.change != nil {
					test.change(c)
				}
			})
			p := s.dial()
			begin := time.Now()
			test.send(p)
			p.closed()
			if took := time.Since(begin); took < short/2 {
				t.Errorf("closed after %v, want at least %v", took, short)
			}
			s.expectClosed(1, test.want)
		})
	}
}

// TestSlowButSteady sends content at the minimum rate and is not closed.
func TestSlowButSteady(t *testing.T) {
	t.Parallel()
	s := start(t, script{}, func(c *Config) { c.RequestTimeout, c.MinimumBodyRate = short, 100 })
	p := s.dial()
	const pieces = 10
	p.send(head(pieces * 64))
	for range pieces {
		p.send(make([]byte, 64))
		time.Sleep(short / 3) // the client is slow: that is what is tested
	}
	p.expect(codec.CodeFileReceived)
}

// TestPausedTimeDoesNotCount holds a connection paused for longer than any
// deadline of the client's.
func TestPausedTimeDoesNotCount(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, script{content: func(context.Context, []byte) Answer {
		<-release
		return Answer{}
	}}, func(c *Config) {
		c.RequestTimeout, c.IdleTimeout, c.MinimumBodyRate = short, short, mib
		c.HighMark, c.LowMark = largeChunk, 0
	})
	p := s.dial()
	p.send(head(64 * largeChunk))
	go func() { _, _ = p.Write(make([]byte, 64*largeChunk)) }()
	eventually(t, "the connection is not read", func() bool { return s.unreadConns() == 1 })
	time.Sleep(5 * short) // what must not happen has no event to wait for
	close(release)
	p.expect(codec.CodeFileReceived)
}

// TestOutputNotRead never reads its answers: what waits is bounded, and the
// connection is closed.
func TestOutputNotRead(t *testing.T) {
	t.Parallel()
	for _, blocking := range []bool{false, true} {
		s := start(t, script{request: func(context.Context, Request) Answer {
			return Answer{Response: codec.FileReceived{}}
		}}, func(c *Config) { c.OutputTimeout, c.blocking = short, blocking })
		p := s.dial()
		for many := bytes.Repeat(verdict(), 1000); ; {
			if _, err := p.Write(many); err != nil {
				break
			}
		}
		want := logging.OutputTimeout
		if blocking {
			want = logging.OutputTooLarge
		}
		s.expectClosed(1, want)
		p.Close()
		s.drain()
	}
}

// TestCrowdIsClosedInPortions has the time of many connections end together: the
// loop serves others in between, and closes all.
func TestCrowdIsClosedInPortions(t *testing.T) {
	t.Parallel()
	const crowd = 5*closingsAtOnce + 1
	s := start(t, script{}, func(c *Config) { c.EventLoops = 1 })
	for range crowd {
		s.dial()
	}
	p := s.dial() // the crowd is with the loop once this is answered
	p.send(registration())
	p.expect(codec.CodeAcknowledged)
	eventually(t, "all are open", func() bool { return s.Connections() == crowd+1 })
	eventually(t, "nobody is served any more", func() bool {
		idle := make(chan bool, 1)
		s.eachLoop(func(l *loop) {
			quiet := true
			l.wheel.each(func(c *conn) { quiet = quiet && !c.busy() })
			idle <- quiet
		})
		return <-idle
	})
	closed := make(chan int, 1)
	s.eachLoop(func(l *loop) {
		l.wheel.each(func(c *conn) {
			l.wheel.remove(c)
			l.due = append(l.due, c)
			c.active = c.active.Add(-2 * c.r.IdleTimeout)
		})
		all := slices.Clone(l.due)
		l.lookAtDue()
		n := 0
		for _, c := range all {
			if c.closed {
				n++
			}
		}
		closed <- n
	})
	if n := wait(t, closed, "a look at those whose time has come"); n != closingsAtOnce {
		t.Errorf("%d connections were closed at once, want %d", n, closingsAtOnce)
	}
	s.expectClosed(crowd+1, logging.IdleTimeout)
}

// TestDrainTimeoutClosesThoseThatAreDue ends a server while a crowd's time is over.
func TestDrainTimeoutClosesThoseThatAreDue(t *testing.T) {
	t.Parallel()
	s := start(t, script{}, func(c *Config) { c.EventLoops = 1 })
	s.dial()
	eventually(t, "it is open", func() bool { return s.Connections() == 1 })
	s.eachLoop(func(l *loop) {
		l.wheel.each(func(c *conn) {
			l.wheel.remove(c)
			l.due = append(l.due, c) // and nobody looks at it any more
		})
	})
	s.drain()
}
