package reactor

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// outputMark is how many bytes of answers may wait to be read by the client
// before its requests are not read any more.
const outputMark = 16 << 10

// A reply is an answer on its way to the loop.
type reply struct {
	conn   *conn
	answer Answer
	upload uint32
	bytes  []byte
}

// send brings an answer to the connection's loop. An answer that changes
// nothing is not sent.
func (c *conn) send(a Answer, t *task) {
	if t.kind != requestTask && a.empty() {
		return
	}
	p := &reply{conn: c, answer: a, upload: t.upload}
	if a.Response != nil {
		p.bytes = codec.AppendResponse(make([]byte, 0, codec.MaxResponse), c.dialect, a.Response)
	}
	c.mu.Lock()
	c.answers++
	c.mu.Unlock()
	if err := c.loop.gnet.Execute(c.r.ctx, p); err != nil {
		c.answered() // the loops have stopped: there is nobody to answer
	}
}

// Run writes the answer, in one piece. It is called on the loop.
func (p *reply) Run(context.Context) error {
	c := p.conn
	if c.lent && !c.closed {
		c.owed = append(c.owed, p)
		_ = c.recall() // its end is found out later
		return nil
	}
	defer c.answered()
	defer c.recoverOnLoop()
	if !c.closed {
		p.write()
	} else if len(p.bytes) > 0 && c.afterlife >= 0 {
		c.outputAfterlife(p.bytes) // the client has ended its sending; it may be gone altogether
	}
	return nil
}

// write sends the answer on an open connection and draws the consequences.
func (p *reply) write() {
	c := p.conn
	c.loop.now = time.Now()
	if c.gnet.OutboundBuffered() == 0 {
		c.clock.output = time.Time{} // gnet does not say when it has sent what waited
	}
	if len(p.bytes) > 0 {
		c.bytesOut += int64(len(p.bytes))
		c.loop.bytesOut.Add(int64(len(p.bytes)))
		if _, err := c.output(p.bytes); err != nil {
			return // gnet has closed the connection
		}
	}
	k := &c.clock
	c.active = c.loop.now
	c.pace(p.answer.Pause)
	k.patience, k.impatient, k.more = p.answer.Patience, p.answer.Reason, p.answer.More
	if p.answer.SkipContent {
		c.skipContent(p.upload)
	}
	if p.answer.Close {
		c.answeredLast = true
		c.linger()
		return
	}
	c.watch()
	c.regulate()
}

// linger ends the connection after its last answer: the client sees the end of
// the stream, and what it still sends is read and passed over for a while.
func (c *conn) linger() {
	if c.reason == "" {
		c.reason = logging.ShuttingDown
	}
	c.ending = true
	c.abandonContent()
	c.watch()
	c.regulate()
}

// endOutput shows the client the end of the stream once all answers are out.
func (c *conn) endOutput() {
	if c.clock.linger.IsZero() && c.gnet.OutboundBuffered() == 0 {
		c.clock.linger = c.loop.now
		c.goodbye()
		_ = unix.Shutdown(c.fd, unix.SHUT_WR) // fails only when the client is gone already
	}
}

// answered accounts for an answer that was written or dropped.
func (c *conn) answered() {
	c.mu.Lock()
	c.answers--
	idle := c.answers == 0 && c.finished
	c.mu.Unlock()
	if idle {
		c.closeAfterlife()
	}
}

// releaseAfterlife gives up the duplicate descriptor when the last answer is
// out.
func (c *conn) releaseAfterlife() {
	c.mu.Lock()
	c.finished = true
	idle := c.answers == 0
	c.mu.Unlock()
	if idle {
		c.closeAfterlife()
	}
}

func (c *conn) closeAfterlife() {
	if c.afterlife >= 0 {
		c.goodbye()
		_ = unix.Close(c.afterlife)
		c.afterlife = -1
	}
}

// drainQuiet is how long a connection of a draining server has to be quiet to
// count as idle: a client in the middle of its conversation is quicker.
const drainQuiet = time.Second

// closeIfDrained closes the connection of a draining server if nothing is
// under way on it. It is called on the loop.
func (c *conn) closeIfDrained() {
	quiet := time.Since(c.active) >= drainQuiet
	if !c.closed && quiet && !c.busy() && !c.clock.more && c.decoder.Between() && c.gnet.OutboundBuffered() == 0 {
		c.shut(logging.ShuttingDown)
	}
}

func (c *conn) logOpen() {
	if logging.Enabled(c.r.Log, logging.ConnOpen) {
		logging.Log(c.r.Log, logging.ConnOpen, logging.ConnID(c.id),
			logging.ClientIP(c.remote.Addr()), logging.ClientPort(c.remote.Port()), logging.TLS(c.secure != nil))
	}
}

func (c *conn) logClose() {
	logging.Log(c.r.Log, logging.ConnClose, logging.ConnID(c.id), logging.ClientIP(c.remote.Addr()),
		logging.ReasonField(c.reason), logging.Requests(c.requests),
		logging.BytesIn(c.bytesIn), logging.BytesOut(c.bytesOut), logging.Duration(time.Since(c.opened)),
		logging.Error(c.failure()))
}
