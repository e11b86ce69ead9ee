package reactor

import (
	"errors"
	"runtime"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// burst is how many bytes of content are read from one connection before the
// loop goes on to the next. Staying keeps its data in the cache; leaving keeps
// the others from waiting (docs/DECISIONS.md).
const burst = 4 * largeChunk

// receive takes what a read brought: requests go to the queue, content into
// chunks. If there was more than fits the loop's buffer, content is then read
// from the descriptor straight into chunks.
func (c *conn) receive(in []byte) {
	more := len(in) == readBuffer
	c.bytesIn += int64(len(in))
	c.loop.bytesIn.Add(int64(len(in)))
	if c.proxy != nil {
		in = c.takeProxyHeader(in)
	}
	for len(in) > 0 && !c.ending {
		if c.decoder.ContentLeft() > 0 {
			in = c.takeContent(in, more)
			continue
		}
		n, event, err := c.decoder.Next(in)
		in = in[n:]
		c.handle(event, err)
	}
	if c.closed {
		return
	}
	if more && !c.lend() {
		c.readContent()
	}
	if c.closed {
		return
	}
	c.settle()
}

// handle queues a request and accounts for what was passed over.
func (c *conn) handle(e codec.Event, lost error) {
	if e.Kind != codec.EventRequest && e.Kind != codec.EventRefused {
		return
	}
	c.requests++
	t := c.r.newTask(requestTask)
	switch why := c.limit(e.Frame); {
	case e.Err != nil && c.cameWithTLS(e):
		e.Err, lost = &codec.Error{Reason: codec.Reason(logging.TLSAtPlainPort)}, errNoRequest
		c.penalize(logging.TLSAtPlainPort)
	case e.Err != nil:
		c.penalize(logging.Reason(e.Err.Reason))
	case why == logging.TooManyRegistrations:
		e.Err, lost = &codec.Error{Reason: codec.Reason(why)}, errAbuse
		c.penalize(why)
	case why != "":
		e.Err = &codec.Error{Reason: codec.Reason(why)}
		c.decoder.SkipContent()
	}
	if c.decoder.ContentLeft() > 0 {
		c.upload++
	}
	t.upload = c.upload
	t.setRequest(Request{Frame: e.Frame, Refusal: e.Err, Arrived: c.loop.now})
	if lost != nil {
		c.ending, t.last = true, true
		c.reason = logging.Reason(e.Err.Reason)
	}
	c.push(t)
}

// errAbuse ends a connection after its answer, as lost framing does.
var errAbuse = errors.New("a limit on abuse was hit")

// errNoRequest ends a connection after its answer: no request can follow.
var errNoRequest = errors.New("no request of this protocol")

// takeContent copies content that the loop has in hand into a chunk: a large one
// if more is to come at once and there is memory.
func (c *conn) takeContent(in []byte, more bool) []byte {
	if c.filling == nil && !c.reopen() && !(more && c.fillLarge()) {
		c.fillSmall(len(in))
	}
	n := copy(c.free(), in)
	c.filling.chunk.n += n
	c.tookContent(n)
	return in[n:]
}

// readContent reads content from the descriptor into large chunks until the
// connection has no more, or had its turn, or is over its mark, or the memory
// is short.
func (c *conn) readContent() {
	for taken := 0; taken < c.r.burst && c.decoder.ContentLeft() > 0 && !c.ending && !c.held() && !c.mayPause(); {
		if c.filling == nil && !c.reopen() && !c.fillLarge() {
			return
		}
		free := c.free()
		n := c.readMore(free)
		if n == 0 {
			return // gnet will find the same and say so
		}
		c.bytesIn += int64(n)
		c.loop.bytesIn.Add(int64(n))
		taken += n
		drained := n < len(free)
		c.filling.chunk.n += n
		c.tookContent(n)
		if drained {
			return
		}
		if c.filling == nil && c.r.uploads.Load() > 1 {
			runtime.Gosched() // a worker takes the full chunk while it is in the cache, and frees it for the next
		}
	}
}

// free returns where the next content goes: the free part of the chunk that is
// being filled, not longer than the content.
func (c *conn) free() []byte {
	free := c.filling.chunk.free()
	return free[:min(int64(len(free)), c.decoder.ContentLeft())]
}

// reopen goes on with the last chunk in the queue if no worker has taken it.
func (c *conn) reopen() bool {
	t := c.reopenTail()
	if t == nil {
		return false
	}
	c.filling = t
	c.restoreCarry()
	return true
}

// fillLarge begins a large chunk, if there is memory for one.
func (c *conn) fillLarge() bool {
	ch := c.r.memory.large()
	if ch != nil {
		c.fill(ch)
	}
	return ch != nil
}

// fillSmall begins a chunk for n bytes that were read already. If they are the
// last of the content, it is no larger than they need: many small uploads in
// one read take no more memory than they brought.
func (c *conn) fillSmall(n int) {
	size := smallChunk
	if c.decoder.ContentLeft() <= int64(n) {
		size = c.carried + int(c.decoder.ContentLeft())
	}
	c.fill(c.r.memory.small(size))
}

func (c *conn) fill(ch *chunk) {
	t := c.r.newTask(contentTask)
	t.chunk, t.upload, t.filling = ch, c.upload, true
	c.push(t)
	c.filling = t
	c.restoreCarry()
}

// restoreCarry puts the incomplete block that was held back first.
func (c *conn) restoreCarry() {
	ch := c.filling.chunk
	ch.n += copy(ch.free(), c.carry[:c.carried])
	c.carried = 0
}

// tookContent accounts for n bytes of content, and hands the chunk over when it
// is full or the content is complete.
func (c *conn) tookContent(n int) {
	c.decoder.TakeContent(int64(n))
	c.clock.received += int64(n)
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
	if c.carried > 0 {
		c.carried = 0
	}
}

// settle ends an event. A chunk that is not full stays, to be filled by the
// next: waking a worker for each event costs more than receiving.
func (c *conn) settle() {
	if c.decoder.ShortRegistration() {
		c.awaitShortRegistration()
	}
	c.watch()
	c.regulate()
	switch {
	case c.filling == nil || c.closed:
	case c.held():
		c.handOver()
	case !c.kept:
		c.kept = true
		c.loop.kept = append(c.loop.kept, c)
	}
	if c.r.memory.exhausted() {
		c.loop.handOverKept() // or nobody would free what this loop waits for
		c.r.memory.waitForRoom()
	}
}

// handOverKept gives the workers what its connections did not fill since the
// last tick: a client that is slow does not hold on to memory.
func (l *loop) handOverKept() {
	for i, c := range l.kept {
		c.kept = false
		if c.filling != nil {
			c.handOver()
		}
		l.kept[i] = nil
	}
	l.kept = l.kept[:0]
}

// awaitShortRegistration takes what is held as a registration if no more bytes
// come within the grace. Such clients are rare: a timer of its own is no cost.
func (c *conn) awaitShortRegistration() {
	seen := c.bytesIn
	c.r.timers.Add(1)
	time.AfterFunc(c.r.ShortRegistrationGrace, func() {
		defer c.r.timers.Done()
		c.loop.run(func() {
			if c.reason == "" && !c.closed && c.bytesIn == seen && c.decoder.ShortRegistration() {
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
		c.endUpload()
	}
}
