package reactor

import "github.com/sealquay/sealquay/internal/logging"

// turn is how many bytes of content one connection's worker handles before the
// next connection has its turn.
const turn = 4 * largeChunk

// serve returns what a pool's goroutine does with a connection: its tasks in
// their order, as long as they are of this kind and its turn lasts.
func (r *Reactor) serve(w work) func(*conn) {
	return func(c *conn) {
		for served := int64(0); served < int64(c.r.turn); {
			t := c.take(w)
			if t == nil {
				return
			}
			if t.bulk.lent {
				c.serveBulk(t)
				return
			}
			served += t.memory()
			if t.kind == closeTask {
				c.finish(t)
				return
			}
			c.serveTask(t)
			if c.done(t) {
				c.loop.run(c.regulate)
			}
			r.recycle(t)
		}
		c.yield()
	}
}

// serveTask has the session handle a task. A panic costs the connection, and
// nothing else.
func (c *conn) serveTask(t *task) {
	if c.broken {
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			c.broken = true
			c.logPanic(cause)
			c.loop.run(func() { c.shut(logging.InternalError) })
		}
	}()
	if c.session == nil {
		c.session = c.r.NewSession(ConnInfo{ID: c.id, Remote: c.remote, TLS: c.secure != nil})
	}
	var a Answer
	switch t.kind {
	case requestTask:
		c.dialect = t.request.Frame.Dialect
		a = c.session.Request(c.r.ctx, t.request)
	case contentTask:
		if t.chunk.n > 0 {
			a = c.session.Content(c.r.ctx, t.chunk.buf[:t.chunk.n])
		}
	case contentEndTask:
		c.endUpload()
		a = c.session.ContentEnd(c.r.ctx)
	}
	a.Close = a.Close || t.last
	c.send(a, t)
}

// finish ends the session of a closed connection.
func (c *conn) finish(t *task) {
	c.r.counters.closed.Add(c.reason)
	defer c.left()
	defer c.releaseAfterlife()
	defer c.r.recycle(t)
	defer c.r.release(t)
	defer func() {
		if cause := recover(); cause != nil {
			c.logPanic(cause)
		}
	}()
	if c.session != nil {
		c.r.counters.sessions.Add(1)
		c.session.Close()
	}
	c.logClose()
}
