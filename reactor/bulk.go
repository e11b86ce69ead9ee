package reactor

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// A bulk is the content of an upload that is read by a worker: the connection
// is lent to the pool, and its loop does not read it meanwhile. The worker reads
// a chunk, and has the session decrypt, check and write it, all while it is in
// the processor's cache; then it reads the next one into the same chunk
// (docs/DECISIONS.md).
//
// A connection's loop lends it and takes it back. In between the loop does
// nothing with it but to close it or to call it back: answers wait.
type bulk struct {
	lent bool
	left int64 // bytes of content that are still to be read
	read int64 // bytes that were read since it was lent
}

// readable is how long a worker waits for more content before it gives the
// connection back to its loop, in milliseconds. A loop needs three system calls
// and a worker's wake-up for what a fast client sends next.
const readable = 2

// lend has a worker read the rest of the content, if it is worth it, and reports
// whether that is so. Small uploads are done sooner without. Where the loop
// cannot be kept from reading, or gnet would begin to read again because answers
// wait, it goes on as well, and where it has the TLS of the connection.
func (c *conn) lend() bool {
	if c.decoder.ContentLeft() < largeChunk || c.ending || c.held() || c.secure != nil ||
		c.loop.interest.poller < 0 || c.gnet.OutboundBuffered() > 0 {
		return false
	}
	if c.filling == nil && !c.reopen() && !c.fillLarge() || len(c.filling.chunk.buf) < largeChunk {
		return false
	}
	if c.setReading(false); c.closed {
		return true
	}
	t := c.filling
	c.filling = nil
	t.bulk = bulk{lent: true, left: c.decoder.ContentLeft()}
	c.lent, c.lentAt = true, c.loop.now
	c.filled(t)
	return true
}

// serveBulk reads and serves content until there is no more to read, or until
// the connection's turn is over and another one waits for its own.
func (c *conn) serveBulk(t *task) {
	for served := largeChunk; c.fillBulk(t); served += largeChunk {
		c.serveTask(t)
		t.chunk.n = 0
		if t.bulk.left == 0 {
			break
		}
		waited, full := c.r.content.demand()
		if waited && served >= c.r.turn {
			c.requeue(t, false)
			return
		}
		if full {
			runtime.Gosched() // a loop or a request may wait for the processor
		}
	}
	c.giveBack(t)
}

// fillBulk fills the chunk, and returns false when that cannot be done now.
func (c *conn) fillBulk(t *task) bool {
	for t.bulk.left > 0 {
		free := t.chunk.free()
		free = free[:min(int64(len(free)), t.bulk.left)]
		n, err := c.readLent(free)
		switch {
		case n > 0:
			t.chunk.n += n
			t.bulk.read += int64(n)
			t.bulk.left -= int64(n)
			c.loop.bytesIn.Add(int64(n))
			if n == len(free) {
				return true
			}
		case err == nil || broken(err) || !c.awaitReadable():
			return false // the loop will find the end of the stream, or wait for more
		}
	}
	return true
}

// broken reports whether a read failed for good.
func broken(err error) bool { return err != nil && err != unix.EAGAIN && err != unix.EINTR }

// readLent reads, unless the loop wants the connection back or has closed it:
// its descriptor may be another connection's by now.
func (c *conn) readLent(p []byte) (n int, err error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.recalled {
		return 0, nil
	}
	n, err = unix.Read(c.fd, p)
	if broken(err) {
		c.failed = err // the kernel says it once
	}
	return n, err
}

// awaitReadable waits a little for more content, if no other connection needs
// the worker.
func (c *conn) awaitReadable() (more bool) {
	c.r.content.pause(func() {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}, readable)
		more = n > 0 && err == nil
	})
	return more
}

// recall makes the worker give the connection back before it reads again. It is
// called on the loop, and returns the error if reading has failed.
func (c *conn) recall() error {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.recalled = true
	return c.failed
}

// giveBack ends what lend began. It is called by the worker.
func (c *conn) giveBack(t *task) {
	c.requeue(t, true)
	c.loop.run(func() { c.takeBack(t) })
}

// requeue puts the task before all others again, to be served in the next turn
// or to be filled by the loop.
func (c *conn) requeue(t *task, filling bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.filling = filling
	t.next, c.head = c.head, t
	if c.tail == nil {
		c.tail = t
	}
	c.serving = false
	c.beServed()
}

// takeBack has the loop read the connection again, and brings its accounts up to
// date.
func (c *conn) takeBack(t *task) {
	read, failed := t.bulk.read, c.recall()
	t.bulk = bulk{}
	c.lent, c.recalled = false, false
	if c.closed {
		t.chunk.n = 0
		c.filled(t)
		c.answerOwed()
		return
	}
	defer c.recoverOnLoop()
	c.loop.now = time.Now()
	c.bytesIn += read
	c.filling = t
	if c.loop.now.Sub(c.lentAt) >= wheelTick {
		c.clock.paused = true // it may have waited for a worker
	}
	c.tookContent(int(read))
	c.setReading(true)
	if failed != nil {
		c.shut(c.closeReason(failed))
	} else {
		c.settle()
	}
	c.answerOwed()
}

// answerOwed sends the answers that came while the connection was lent.
func (c *conn) answerOwed() {
	owed := c.owed
	c.owed = nil
	for _, p := range owed {
		_ = p.Run(c.r.ctx) // it never fails
	}
}
