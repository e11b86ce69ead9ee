package reactor

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sealquay/sealquay/codec"
)

// TestMemoryAccounts holds the books against the chunks that are out.
func TestMemoryAccounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(largeChunk, 4*mib).Draw(t, "total")
		m := newMemory(total, rapid.IntRange(1, 500).Draw(t, "uploads"))
		var out []*chunk
		var sum int64
		take := func(c *chunk) {
			if c.n != 0 || len(c.free()) != len(c.buf) {
				t.Fatal("a chunk is not empty")
			}
			c.n = len(c.buf)
			out = append(out, c)
			sum += int64(len(c.buf))
		}
		t.Repeat(map[string]func(*rapid.T){
			"large": func(t *rapid.T) {
				c := m.large()
				if (c != nil) != (sum+largeChunk <= m.soft) {
					t.Fatalf("with %d of %d bytes in use, a large chunk is %v", sum, m.soft, c)
				}
				if c != nil {
					take(c)
				}
			},
			"small": func(t *rapid.T) { take(m.small(rapid.IntRange(1, smallChunk).Draw(t, "size"))) },
			"wait": func(t *rapid.T) {
				if m.wait(&conn{}) && sum <= m.soft/2 {
					t.Fatal("a connection waits though there is plenty")
				}
			},
			"release": func(t *rapid.T) {
				if len(out) == 0 {
					t.Skip("nothing is out")
				}
				i := rapid.IntRange(0, len(out)-1).Draw(t, "chunk")
				sum -= int64(len(out[i].buf))
				m.release(out[i], 0)
				out = append(out[:i], out[i+1:]...)
				if sum <= m.soft/2 && len(m.waiting) > 0 {
					t.Fatalf("%d connections wait though there is plenty", len(m.waiting))
				}
			},
			"": func(t *rapid.T) {
				if used, peak := m.usage(); used != sum || peak < used {
					t.Fatalf("%d bytes are in use, peak %d, want %d", used, peak, sum)
				}
			},
		})
	})
}

// TestMemoryBudget has a thousand connections send into sessions that block:
// usage stays within the budget, others are served at once, and everything is
// received when the sessions go on.
func TestMemoryBudget(t *testing.T) {
	const clients, size, budget = 1000, 128 << 10, 32 * mib
	release := make(chan struct{})
	s := start(t, script{content: func(context.Context, []byte) Answer {
		<-release
		return Answer{}
	}}, func(c *Config) { c.MemoryBudget, c.MaxConnections, c.HighMark = budget, clients+10, mib })
	received := make(chan *peer)
	content := make([]byte, size)
	for range clients {
		p := s.dial()
		go func() {
			_, _ = p.Write(head(size))
			_, _ = p.Write(content)
			received <- p
		}()
	}
	eventually(t, "the memory is short", func() bool {
		s.memory.mu.Lock()
		defer s.memory.mu.Unlock()
		return len(s.memory.waiting) > clients/4
	})
	other := s.dial()
	for range 10 {
		other.send(registration())
		other.expect(codec.CodeAcknowledged)
	}
	close(release)
	for range clients {
		wait(t, received, "the end of an upload").expect(codec.CodeFileReceived)
	}
	if _, peak := s.memory.usage(); peak > budget {
		t.Errorf("%d bytes were in use, the budget is %d", peak, int64(budget))
	}
}

// TestPipelinedRequestsAreBounded has a client send requests without end into a
// session that blocks.
func TestPipelinedRequestsAreBounded(t *testing.T) {
	release := make(chan struct{})
	s := start(t, script{request: func(context.Context, Request) Answer {
		<-release
		return Answer{}
	}}, func(c *Config) { c.HighMark, c.LowMark = 64<<10, 16<<10 })
	p := s.dial()
	go func() {
		for {
			if _, err := p.Write(verdict()); err != nil {
				return
			}
		}
	}()
	eventually(t, "the connection is paused", func() bool { return s.unreadConns() == 1 })
	if used, _ := s.memory.usage(); used > s.HighMark+readBuffer*4 {
		t.Errorf("%d bytes wait, the mark is at %d", used, s.HighMark)
	}
	p.Close()
	close(release)
}

// TestMemoryIsNeverExceeded has many connections pipeline requests into sessions
// that block: together they would take many times the budget.
func TestMemoryIsNeverExceeded(t *testing.T) {
	const clients, budget = 100, 4 * mib
	release := make(chan struct{})
	s := start(t, script{request: func(context.Context, Request) Answer {
		<-release
		return Answer{}
	}}, func(c *Config) { c.MemoryBudget = budget })
	many := bytes.Repeat(verdict(), 1000)
	var all sync.WaitGroup
	for range clients {
		p := s.dial()
		all.Go(func() { _, _ = p.Write(many) })
	}
	eventually(t, "the budget is used up", func() bool { _, peak := s.memory.usage(); return peak >= budget })
	time.Sleep(200 * time.Millisecond) // what must not happen has no event to wait for
	close(release)
	all.Wait()
	// Each loop may be within one read when it is used up.
	most := int64(budget + s.EventLoops*(readBuffer/len(verdict())+2)*taskBytes)
	if _, peak := s.memory.usage(); peak > most {
		t.Errorf("%d bytes were in use, want at most %d", peak, most)
	}
}

// unreadConns returns how many connections their loops do not read.
func (r *testReactor) unreadConns() int {
	var n atomic.Int64
	r.onConns(func(c *conn) {
		if c.paused || c.lent {
			n.Add(1)
		}
	})
	return int(n.Load())
}
