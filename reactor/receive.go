package reactor

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// burst is how many bytes of content are read from one connection before the
// loop goes on to the next. Staying keeps its data in the cache; leaving keeps
// the others from waiting (docs/DECISIONS.md).
const burst = 16 * largeChunk

// receive takes what a read brought: requests go to the queue, content into
// chunks. If there was more than fits the loop's buffer, content is then read
// from the descriptor straight into chunks.
func (c *conn) receive(in []byte) {
	more := len(in) == readBuffer
	c.bytesIn += int64(len(in))
	for len(in) > 0 && !c.ending {
		if c.decoder.ContentLeft() > 0 {
			in = c.takeContent(in, more)
			continue
		}
		n, event, err := c.decoder.Next(in)
		in = in[n:]
		c.handle(event, err)
	}
	if more {
		c.readContent()
	}
	c.settle()
}

// handle queues a request and accounts for what was passed over.
func (c *conn) handle(e codec.Event, lost error) {
	if e.Kind != codec.EventRequest && e.Kind != codec.EventRefused {
		return
	}
	if e.Frame.Content > 0 {
		c.upload++
	}
	c.requests++
	t := c.r.newTask(requestTask)
	t.upload = c.upload
	t.setRequest(Request{Frame: e.Frame, Refusal: e.Err, Arrived: c.loop.now})
	if lost != nil {
		c.ending, t.last = true, true
		c.reason = logging.FramingLost
	}
	c.push(t)
}

// takeContent copies content that the loop has in hand into a chunk.
func (c *conn) takeContent(in []byte, more bool) []byte {
	free := c.freeContent(more)
	n := copy(free, in)
	c.tookContent(n)
	return in[n:]
}

// readContent reads content from the descriptor into chunks until the
// connection has no more, or had its turn, or is over its mark.
func (c *conn) readContent() {
	for taken := 0; taken < burst && c.decoder.ContentLeft() > 0 && !c.ending && !c.mayPause(); {
		free := c.freeContent(true)
		n, err := unix.Read(c.fd, free)
		if err != nil || n <= 0 {
			return // gnet will find the same and say so
		}
		c.bytesIn += int64(n)
		taken += n
		drained := n < len(free)
		c.tookContent(n)
		if drained {
			return
		}
	}
}

// freeContent returns where the next content goes: the free part of the chunk
// that is being filled, not longer than the content.
func (c *conn) freeContent(large bool) []byte {
	if c.filling == nil {
		c.fill(large)
	}
	free := c.filling.chunk.free()
	return free[:min(int64(len(free)), c.decoder.ContentLeft())]
}

// fill begins a chunk, or goes on with the last one in the queue if no worker
// has taken it. An incomplete block that was held back goes first.
func (c *conn) fill(large bool) {
	t := c.reopenTail()
	if t == nil {
		t = c.r.newTask(contentTask)
		t.chunk, t.upload, t.filling = c.r.memory.get(large), c.upload, true
		c.push(t)
	}
	t.chunk.n += copy(t.chunk.free(), c.carry[:c.carried])
	c.carried = 0
	c.filling = t
}

// tookContent accounts for n bytes that were put into the chunk.
func (c *conn) tookContent(n int) {
	c.decoder.TakeContent(int64(n))
	c.clock.received += int64(n)
	c.filling.chunk.n += n
	switch {
	case c.decoder.ContentLeft() == 0:
		c.handOver()
		t := c.r.newTask(contentEndTask)
		t.upload = c.upload
		c.push(t)
	case len(c.filling.chunk.free()) == 0:
		c.handOver()
	}
}

// handOver gives the chunk to the workers. Only whole blocks go: the rest is
// held back until more comes.
func (c *conn) handOver() {
	ch := c.filling.chunk
	c.carried = ch.n % blockBytes
	ch.n -= c.carried
	copy(c.carry[:], ch.buf[ch.n:ch.n+c.carried])
	c.filled(c.filling)
	c.filling = nil
}

// abandonContent gives up what is being filled.
func (c *conn) abandonContent() {
	if c.filling != nil {
		c.handOver()
	}
	c.carried = 0
}

// settle ends an event: nothing stays in the loop's hands.
func (c *conn) settle() {
	if c.filling != nil {
		c.handOver()
	}
	if c.decoder.ShortRegistration() {
		c.awaitShortRegistration()
	}
	c.watch()
	c.regulate()
}

// awaitShortRegistration takes what is held as a registration if no more bytes
// come within the grace. Such clients are rare: a timer of its own is no cost.
func (c *conn) awaitShortRegistration() {
	seen := c.bytesIn
	time.AfterFunc(c.r.ShortRegistrationGrace, func() {
		c.loop.run(func() {
			if c.reason == "" && !c.isClosed() && c.bytesIn == seen && c.decoder.ShortRegistration() {
				c.loop.now = time.Now()
				c.handle(c.decoder.TakeShortRegistration(), nil)
				c.settle()
			}
		})
	})
}

// skipContent passes over the rest of an upload that was refused.
func (c *conn) skipContent(upload uint32) {
	if upload == c.upload && c.decoder.ContentLeft() > 0 {
		c.abandonContent()
		c.decoder.SkipContent()
	}
}
