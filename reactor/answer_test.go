package reactor

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// TestAnswersLeaveInOneSegment reads each answer with one read (PROTOCOL.md
// section 3, row 8) while the client's window is open.
func TestAnswersLeaveInOneSegment(t *testing.T) {
	s := start(t, script{request: func(context.Context, Request) Answer {
		return Answer{Response: codec.FileReceived{FileName: []byte("f")}}
	}})
	p := s.dial()
	whole := len(codec.AppendResponse(nil, codec.Documented, codec.FileReceived{}))
	b := make([]byte, 4096)
	for range 50 {
		p.send(registration())
		n, err := p.Read(b)
		if err != nil || n != whole {
			t.Fatalf("one read brings %d bytes (%v), want %d", n, err, whole)
		}
	}
	eventually(t, "every segment is acknowledged", func() bool {
		raw, _ := p.SyscallConn()
		var info *unix.TCPInfo
		_ = raw.Control(func(fd uintptr) { info, _ = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
		return info.Data_segs_in == 50
	})
}

// TestSkipContent refuses an upload at every moment, and checks that the stream
// stays framed: the request behind it is answered.
func TestSkipContent(t *testing.T) {
	const pieces = 40
	for _, moment := range []int{-1, 0, 1, pieces - 1, pieces} {
		calls, over := 0, moment < 0
		s := start(t, script{
			request: func(_ context.Context, r Request) Answer {
				switch {
				case r.Frame.Content == 0:
					return acknowledged
				case moment < 0:
					return refused
				}
				return Answer{}
			},
			content: func(context.Context, []byte) Answer {
				calls++
				if calls-1 == moment {
					over = true
					return refused
				}
				return Answer{}
			},
			end: func(context.Context) Answer {
				if !over {
					return refused
				}
				return Answer{}
			},
		}, func(c *Config) { c.HighMark, c.LowMark = 2*largeChunk, largeChunk })
		p := s.dial()
		go func() {
			_, _ = p.Write(head(pieces * largeChunk))
			_, _ = p.Write(make([]byte, pieces*largeChunk))
			_, _ = p.Write(verdict())
		}()
		p.expect(codec.CodeRegistrationError)
		p.expect(codec.CodeAcknowledged)
		p.send(registration())
		p.expect(codec.CodeAcknowledged)
	}
}

// TestSkipContentFindsItsOwnUpload refuses an upload late, when the next one is
// under way: that one must not suffer.
func TestSkipContentFindsItsOwnUpload(t *testing.T) {
	uploads := 0
	second := make(chan struct{})
	s := start(t, script{
		request: func(_ context.Context, r Request) Answer {
			uploads++
			return Answer{}
		},
		end: func(context.Context) Answer {
			if uploads == 1 {
				<-second
				return refused
			}
			return Answer{Response: codec.FileReceived{}}
		},
	})
	p := s.dial()
	p.send(head(32), make([]byte, 32), head(64), make([]byte, 32))
	eventually(t, "the second upload has begun", func() bool { return s.uploads.Load() == 1 && s.request.busy() > 0 })
	close(second)
	p.expect(codec.CodeRegistrationError)
	p.send(make([]byte, 32))
	p.expect(codec.CodeFileReceived)
}

func (p *pool) busy() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// TestShortRegistration sends a registration that ends with its name (PROTOCOL.md
// section 3, row 4).
func TestShortRegistration(t *testing.T) {
	names := make(chan string, 1)
	s := start(t, script{request: func(_ context.Context, r Request) Answer {
		names <- string(r.Frame.Payload)
		return acknowledged
	}}, func(c *Config) { c.ShortRegistrationGrace = 5 * time.Millisecond })
	seed := codec.AppendRequest(nil, codec.Seed, codec.ClientID{}, codec.Registration{Name: []byte("Ada")})
	short := seed[:codec.RequestHeaderBytes+3]
	p := s.dial()
	p.send(short)
	p.expect(codec.CodeAcknowledged)
	if name := wait(t, names, "the name"); name != "Ada" {
		t.Errorf("the name is %q", name)
	}
	p.send(verdict())
	p.expect(codec.CodeAcknowledged)
}

// TestHalfClosedClient ends its sending before the answer is there.
func TestHalfClosedClient(t *testing.T) {
	release := make(chan struct{})
	s := start(t, script{request: func(context.Context, Request) Answer {
		<-release
		return acknowledged
	}})
	for range 3 {
		p := s.dial()
		p.send(registration(), verdict())
		if err := p.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the server saw the end", func() bool { return s.inClose() })
		release <- struct{}{}
		release <- struct{}{}
		p.expect(codec.CodeAcknowledged)
		p.expect(codec.CodeAcknowledged)
		p.expect(0)
		eventually(t, "the connection is forgotten", func() bool { return s.Connections() == 0 })
	}
	s.expectClosed(3, logging.ClientClosed)
}

// inClose reports whether every open connection is closed by gnet already.
func (r *testReactor) inClose() bool {
	open := make(chan int64, len(r.loops))
	r.eachLoop(func(l *loop) {
		n := int64(0)
		l.wheel.each(func(*conn) { n++ })
		open <- n
	})
	for range r.loops {
		if <-open > 0 {
			return false
		}
	}
	return r.Connections() > 0
}

// TestLastAnswerIsNotLost has the server close while the client still sends: the
// kernel must not reset what the client has yet to read.
func TestLastAnswerIsNotLost(t *testing.T) {
	s := start(t, script{request: func(_ context.Context, r Request) Answer {
		return Answer{Response: codec.RegistrationError{}, SkipContent: true, Close: true}
	}})
	for range 20 {
		p := s.dial()
		p.send(head(8*mib), make([]byte, mib))
		p.expect(codec.CodeRegistrationError)
		p.expect(0)
		_, err := p.Write(make([]byte, mib))
		if err != nil && !errors.Is(err, syscall.EPIPE) {
			t.Fatalf("while the server lingers: %v", err)
		}
		p.Close()
	}
	eventually(t, "no connection is left", func() bool { return s.Connections() == 0 })
}

// TestLingerEnds checks that a client which neither reads nor closes is left in
// the end.
func TestLingerEnds(t *testing.T) {
	t.Parallel()
	s := start(t, script{request: func(context.Context, Request) Answer {
		return Answer{Response: codec.RegistrationError{}, Close: true}
	}})
	p := s.dial()
	p.send(registration())
	p.expect(codec.CodeRegistrationError)
	if n, err := io.Copy(io.Discard, p.TCPConn); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes, %v: want the end of the stream", n, err)
	}
	begin := time.Now()
	eventually(t, "the connection is gone", func() bool { return s.Connections() == 0 })
	if took := time.Since(begin); took < lingerTime/2 {
		t.Errorf("the connection was closed after %v, want %v", took, lingerTime)
	}
}

// TestFramingLost checks that a client whose requests cannot be told apart any
// more is told so, and closed.
func TestFramingLost(t *testing.T) {
	s := start(t, script{})
	p := s.dial()
	lost := head(17) // content size and payload size contradict each other
	lost[codec.RequestHeaderBytes+16]++
	p.send(lost, make([]byte, 17))
	p.expect(codec.CodeRegistrationError)
	p.expect(0)
	p.Close()
	s.expectClosed(1, logging.FramingLost)
}
