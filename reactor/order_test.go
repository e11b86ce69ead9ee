package reactor

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sealquay/sealquay/codec"
)

// TestOneAtATimeInOrder sends requests and uploads in one stream and checks that
// the session sees them in its order, never two at once.
func TestOneAtATimeInOrder(t *testing.T) {
	var inside atomic.Int32
	var mu sync.Mutex
	var seen []string
	enter := func(what string) func() {
		if inside.Add(1) != 1 {
			t.Error("two calls at once")
		}
		mu.Lock()
		defer mu.Unlock()
		if what != "content" || len(seen) == 0 || seen[len(seen)-1] != "content" {
			seen = append(seen, what)
		}
		return func() { inside.Add(-1) }
	}
	ended := make(chan struct{})
	s := start(t, script{
		request: func(_ context.Context, r Request) Answer {
			defer enter(r.Frame.Header.Code.String())()
			if r.Frame.Content > 0 {
				return Answer{}
			}
			return acknowledged
		},
		content: func(context.Context, []byte) Answer { defer enter("content")(); return Answer{} },
		end:     func(context.Context) Answer { defer enter("end")(); return acknowledged },
		close:   func() { defer enter("close")(); close(ended) },
	})
	p := s.dial()
	const rounds = 40
	var want []string
	for i := range rounds {
		p.send(registration(), head(16*(1+i*i*40)), make([]byte, 16*(1+i*i*40)), verdict())
		want = append(want, "registration", "encrypted file", "content", "end", "valid CRC")
	}
	for range 3 * rounds {
		p.expect(codec.CodeAcknowledged)
	}
	p.Close()
	wait(t, ended, "the session's Close")
	want = append(want, "close")
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != len(want) {
		t.Fatalf("%d calls, want %d", len(seen), len(want))
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Fatalf("call %d is %q, want %q", i, seen[i], want[i])
		}
	}
}

// TestRequestsOvertakeContent keeps all workers busy with content and checks
// that a registration is answered all the same.
func TestRequestsOvertakeContent(t *testing.T) {
	release, busy := make(chan struct{}), make(chan struct{}, 10)
	s := start(t, script{content: func(context.Context, []byte) Answer {
		busy <- struct{}{}
		<-release
		return Answer{}
	}})
	var uploads []*peer
	for range s.Workers + 3 {
		p := s.dial()
		p.send(head(16), make([]byte, 16))
		uploads = append(uploads, p)
	}
	for range s.Workers {
		wait(t, busy, "a busy worker")
	}
	p := s.dial()
	p.send(registration())
	p.expect(codec.CodeAcknowledged)
	if len(busy) > 0 {
		t.Error("more content is handled at once than there are workers")
	}
	close(release)
	for _, p := range uploads {
		p.expect(codec.CodeFileReceived)
	}
}

// TestTurns checks that an upload which always has more waits its turn: between
// two of its turns every other upload that waits has one.
func TestTurns(t *testing.T) {
	started, step := make(chan struct{}), make(chan struct{})
	var giantSince, most atomic.Int64
	sessions := func(i ConnInfo) Session {
		if i.ID == 1 {
			first := true
			return script{content: func(_ context.Context, p []byte) Answer {
				if first {
					first = false
					close(started)
					<-step
				}
				giantSince.Add(int64(len(p)))
				return Answer{}
			}}
		}
		return script{content: func(context.Context, []byte) Answer {
			most.Store(max(most.Load(), giantSince.Swap(0)))
			return Answer{}
		}}
	}
	s := startWith(t, sessions, func(c *Config) { c.Workers, c.HighMark = 1, 8*turn })
	giant := s.dial()
	const size = 6 * turn
	giant.send(head(size))
	go func() { _, _ = giant.Write(make([]byte, size)) }()
	wait(t, started, "the giant's first piece")
	eventually(t, "the giant is the worker's", func() bool { return s.unreadConns() == 1 })
	var small []*peer
	for i := range 20 {
		p := s.dial()
		p.send(head(16), make([]byte, 16))
		small = append(small, p)
		eventually(t, "the small upload waits", func() bool { return s.content.waiting() == i+1 })
	}
	close(step)
	for _, p := range small {
		p.expect(codec.CodeFileReceived)
	}
	giant.expect(codec.CodeFileReceived)
	if most.Load() > turn+largeChunk {
		t.Errorf("the giant had %d bytes in one turn, want at most %d", most.Load(), turn+largeChunk)
	}
}

// waiting returns how many connections wait for a goroutine.
func (p *pool) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queued
}
