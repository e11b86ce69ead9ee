package reactor

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/sealquay/sealquay/codec"
)

// A recorder keeps what a session was given, and checks the promises of
// [Session]: one call at a time, pieces of whole blocks.
type recorder struct {
	*bytes.Buffer // content since the last request
	complete      chan []byte
	problem       chan string
}

func newRecorder() *recorder {
	return &recorder{new(bytes.Buffer), make(chan []byte, 1000), make(chan string, 1000)}
}

func (r *recorder) script() script {
	return script{
		content: func(_ context.Context, p []byte) Answer {
			if len(p) == 0 || len(p)%blockBytes != 0 {
				r.problem <- fmt.Sprintf("a piece of %d bytes", len(p))
			}
			r.Write(p)
			clear(p) // it may be changed in place
			return Answer{}
		},
		end: func(context.Context) Answer {
			r.complete <- bytes.Clone(r.Bytes())
			r.Reset()
			return Answer{Response: codec.FileReceived{}}
		},
	}
}

func (r *recorder) check(t rapid.TB, want []byte) {
	t.Helper()
	select {
	case p := <-r.problem:
		t.Fatal(p)
	default:
	}
	if got := <-r.complete; !bytes.Equal(got, want) {
		t.Fatalf("%d bytes of content came as %d, or changed", len(want), len(got))
	}
}

// randomContent returns n bytes that are the same for the same n.
func randomContent(n int) []byte {
	b := make([]byte, n)
	source := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	_, _ = source.Read(b)
	return b
}

// TestContentArrivesWhole sends uploads of any size, cut anywhere, over a real
// connection.
func TestContentArrivesWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRecorder()
		s := start(t, r.script(), func(c *Config) {
			c.MemoryBudget = rapid.SampledFrom([]int64{largeChunk, 4 * mib}).Draw(rt, "budget")
			c.HighMark = rapid.SampledFrom([]int64{smallChunk, mib}).Draw(rt, "high mark")
			c.LowMark = c.HighMark / 4
			c.blocking = rapid.Bool().Draw(rt, "blocking")
		})
		defer s.drain()
		p := s.dial()
		defer p.Close()
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, 8), rapid.IntRange(1, 1100), rapid.IntRange(1, 70_000)), 1, 5).Draw(rt, "blocks")
		var stream []byte
		for _, blocks := range sizes {
			stream = append(append(stream, head(blocks*blockBytes)...), randomContent(blocks*blockBytes)...)
		}
		cuts := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, 40), rapid.IntRange(1, 40_000), rapid.IntRange(1, mib)), 1, 60).Draw(rt, "cuts")
		for _, n := range cuts {
			n = min(n, len(stream))
			p.send(stream[:n])
			stream = stream[n:]
		}
		p.send(stream)
		for _, blocks := range sizes {
			p.expect(codec.CodeFileReceived)
			r.check(rt, randomContent(blocks*blockBytes))
		}
	})
}

// TestSmallUploadsInOneRead checks that what many uploads in one read take is
// not much more than they brought.
func TestSmallUploadsInOneRead(t *testing.T) {
	block := make(chan struct{})
	s := start(t, script{request: func(_ context.Context, r Request) Answer {
		<-block
		return Answer{}
	}}, func(c *Config) { c.EventLoops = 1 })
	p := s.dial()
	var stream []byte
	const uploads = 50
	for range uploads {
		stream = append(append(stream, head(16)...), make([]byte, 16)...)
	}
	p.send(stream)
	eventually(t, "all uploads wait", func() bool { return s.uploads.Load() == uploads })
	used, _ := s.memory.usage()
	if most := int64(uploads * (3*taskBytes + 16)); used > most+smallChunk {
		t.Errorf("%d bytes take %d bytes of memory, want at most %d", len(stream), used, most)
	}
	close(block)
	for range uploads {
		p.expect(codec.CodeFileReceived)
	}
}
