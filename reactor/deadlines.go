package reactor

import (
	"time"

	"github.com/sealquay/sealquay/internal/logging"
)

// lingerTime is how long a connection that the server ends is read on, so that
// the answer is not lost in a reset (RFC 9112 section 9.6 describes the same).
const lingerTime = 2 * time.Second

// A loop closes closingsAtOnce connections, which takes about 0.2 ms, and then
// serves the others for closingsPause. A crowd that came together would hold up
// everybody else when its time is over together (docs/PERFORMANCE.md, "Slow-loris").
const (
	closingsAtOnce = 16
	closingsPause  = time.Millisecond
)

// A clock holds what a connection's deadlines are counted from.
type clock struct {
	request   time.Time     // the first byte of an incomplete request
	window    time.Time     // of the rate of content
	received  int64         // bytes of content in the window
	paused    bool          // the connection was not read for a part of the window
	output    time.Time     // since when answers wait to be read
	linger    time.Time     // since when only the end is awaited
	patience  time.Duration // until the next request; 0: the idle time
	impatient logging.Reason
	more      bool // the client is expected to go on: a drain waits for it
}

// tick looks at the connections whose time has come.
func (l *loop) tick() {
	l.now = time.Now()
	l.handOverKept()
	l.resumePaced()
	if l.r.draining.Load() {
		l.closeIdle()
	}
	waits := len(l.due) > 0
	l.wheel.turn(l.now, func(c *conn) { l.due = append(l.due, c) })
	if !waits {
		l.lookAtDue()
	}
}

// lookAtDue looks at the connections whose time has come, until it has closed as
// many as others may wait for. It goes on with the rest a little later: a task
// that is queued here would run before the loop reads again.
func (l *loop) lookAtDue() {
	l.now = time.Now()
	for closings := 0; len(l.due) > 0 && closings < closingsAtOnce; {
		c := l.due[0]
		l.due[0], l.due = nil, l.due[1:]
		if c.closed {
			continue
		}
		if c.lookAt(); c.closed {
			closings++
		}
	}
	if len(l.due) > 0 {
		l.r.timers.Add(1)
		time.AfterFunc(closingsPause, func() {
			defer l.r.timers.Done()
			l.run(l.lookAtDue)
		})
	}
}

// lookAt closes the connection if its time is over.
func (c *conn) lookAt() {
	defer c.recoverOnLoop() // or nobody would look at those behind it
	if c.answeredLast {
		c.endOutput()
	}
	c.decoder.Release() // most are silent for long
	due, reason := c.deadline()
	if c.loop.now.Before(due) {
		c.loop.wheel.add(c, due)
		return
	}
	c.shut(reason)
}

// deadline returns when the connection is to be closed if nothing happens, and
// why. A time in the far future means that the server is to move, not the client.
func (c *conn) deadline() (time.Time, logging.Reason) {
	k, now := &c.clock, c.loop.now
	switch {
	case c.lent:
		return now.Add(c.shortest()), "" // a worker reads it, and gives back who is slow
	case !k.linger.IsZero():
		return k.linger.Add(lingerTime), c.reason
	case c.ending && !c.answeredLast && c.busy():
		return now.Add(c.r.RequestTimeout), "" // the server is to move
	case c.handshaking():
		return c.opened.Add(c.r.TLS.HandshakeTimeout), logging.HandshakeTimeout
	case c.gnet.OutboundBuffered() > 0:
		if k.output.IsZero() {
			k.output = now
		}
		return k.output.Add(c.r.OutputTimeout), logging.OutputTimeout
	case c.decoder.ContentLeft() > 0 || c.decoder.Skipping():
		return c.bodyDeadline()
	case !k.request.IsZero() && c.held():
		k.request = now
		return now.Add(c.r.RequestTimeout), ""
	case !k.request.IsZero():
		return k.request.Add(c.r.RequestTimeout), logging.RequestTimeout
	case !c.paced.IsZero(): // the client's time begins after that
		c.active = c.paced
		return c.paced.Add(c.shortest()), ""
	case c.busy():
		c.active = now
		return now.Add(c.shortest()), ""
	case k.patience > 0:
		return c.active.Add(k.patience), k.impatient
	}
	return c.active.Add(c.r.IdleTimeout), logging.IdleTimeout
}

// shortest returns the time after which a connection is looked at whose state
// the server is about to change.
func (c *conn) shortest() time.Duration {
	d := min(c.r.RequestTimeout, c.r.IdleTimeout)
	if c.handshaking() {
		d = min(d, c.r.TLS.HandshakeTimeout)
	}
	if c.clock.patience > 0 {
		d = min(d, c.clock.patience)
	}
	return d
}

// bodyDeadline checks the rate of content over a window of the request time. A
// window in which the server did not read does not count.
func (c *conn) bodyDeadline() (time.Time, logging.Reason) {
	k, now := &c.clock, c.loop.now
	end := k.window.Add(c.r.RequestTimeout)
	enough := k.received >= int64(c.r.RequestTimeout.Seconds()*float64(c.r.MinimumBodyRate))
	if now.Before(end) || !enough && !k.paused && !c.held() {
		return end, logging.BodyTooSlow
	}
	k.window, k.received, k.paused = now, 0, false
	return now.Add(c.r.RequestTimeout), logging.BodyTooSlow
}

// watch brings the clock up to date after input or an answer.
func (c *conn) watch() {
	k, now := &c.clock, c.loop.now
	switch {
	case c.decoder.Between():
		k.request, k.window = time.Time{}, time.Time{}
	case c.decoder.ContentLeft() > 0 || c.decoder.Skipping():
		k.request = time.Time{}
		if k.window.IsZero() {
			k.window, k.received, k.paused = now, 0, c.held()
		}
	case k.request.IsZero():
		k.request, k.window = now, time.Time{}
	}
	if c.gnet.OutboundBuffered() == 0 {
		k.output = time.Time{}
	}
	if c.answeredLast {
		c.endOutput()
	}
	due, _ := c.deadline()
	c.loop.wheel.advance(c, due)
}
