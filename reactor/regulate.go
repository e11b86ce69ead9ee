package reactor

import (
	"errors"

	"github.com/sealquay/sealquay/internal/logging"
)

// A hold is a set of reasons why a connection is not read.
type hold uint8

const (
	holdQueue     hold = 1 << iota // too much of its content waits for a worker
	holdMemory                     // the memory of all is short
	holdOutput                     // the client does not read its answers
	holdPace                       // it sent more than its client may
	holdHandshake                  // more waits for the TLS handshake than it needs
)

// held reports whether the connection is not read.
func (c *conn) held() bool { return c.hold != 0 }

// mayPause reports whether enough is waiting to stop reading.
func (c *conn) mayPause() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting >= c.r.HighMark
}

// regulate stops or resumes reading, as the marks and the memory demand. It is
// called on the loop, at the end of every event and whenever a mark is passed.
func (c *conn) regulate() {
	if c.closed || c.lent {
		return
	}
	was := c.paused
	c.hold = c.holds()
	c.paused = c.held()
	c.countPause(was)
	if c.paused {
		c.clock.paused = true
	}
	// While held, the interest is set again each time: gnet may have changed it.
	if c.paused || was {
		c.setReading(!c.paused)
	}
	if was != c.paused {
		c.logHold()
	}
}

// holds returns what stands against reading. A connection that only waits for
// its end is always read.
func (c *conn) holds() hold {
	if c.ending {
		return 0
	}
	return c.queueHold() | c.memoryHold() | c.outputHold() | c.paceHold() | c.handshakeHold()
}

// block stops the whole loop until the connection may be read: the last resort
// where its interest cannot be changed. Memory stays bounded; the loop's other
// connections wait.
func (c *conn) block() {
	if c.filling != nil {
		c.handOver()
	}
	c.loop.handOverKept() // or nobody would free what the loop waits for
	for c.hold&(holdQueue|holdMemory) != 0 {
		<-c.unblocked
		c.r.memory.forget(c)
		c.hold = 0
		c.hold = c.holds()
	}
	was := c.paused
	c.paused = c.held()
	c.countPause(was)
}

// unblock ends block. It may be called from anywhere.
func (c *conn) unblock() {
	if c.unblocked != nil {
		select {
		case c.unblocked <- struct{}{}:
		default: // it is told already
		}
	}
}

func (c *conn) setReading(read bool) {
	err := c.loop.interest.set(c.fd, read, c.gnet.OutboundBuffered() > 0)
	switch {
	case err == nil:
	case !errors.Is(err, errNoInterest):
		c.shut(logging.ConnectionFailed)
	case c.hold&holdOutput != 0:
		c.shut(logging.OutputTooLarge)
	case !read:
		c.block()
	}
}

func (c *conn) queueHold() hold {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.full = c.full || c.waiting >= c.r.HighMark
	if c.full {
		return holdQueue
	}
	return 0
}

// memoryHold makes a connection that has content to send wait for memory when
// it is short. Registration, key exchange and verdicts need none.
func (c *conn) memoryHold() hold {
	if c.hold&holdMemory != 0 || c.decoder.ContentLeft() > 0 && c.r.memory.wait(c) {
		return holdMemory
	}
	return 0
}

func (c *conn) outputHold() hold {
	if c.gnet.OutboundBuffered() > outputMark {
		return holdOutput
	}
	return 0
}

// wake resumes connections that waited for memory.
func (r *Reactor) wake(waiting []*conn) {
	for _, c := range waiting {
		c.unblock()
		c.loop.run(func() {
			c.hold &^= holdMemory
			c.regulate()
		})
	}
}

func (c *conn) logHold() {
	event := logging.ConnResume
	if c.held() {
		event = logging.ConnPause
	}
	if !logging.Enabled(c.r.Log, event) {
		return
	}
	logging.Log(c.r.Log, event, logging.ConnID(c.id), logging.ClientIP(c.remote.Addr()))
}
