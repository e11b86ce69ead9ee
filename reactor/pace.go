package reactor

import "time"

// pace stops reading for a while. It is called on the loop; regulate comes after
// it.
func (c *conn) pace(pause time.Duration) {
	if pause == 0 {
		return
	}
	if c.paced.IsZero() {
		c.loop.paced = append(c.loop.paced, c)
	}
	c.paced = c.loop.now.Add(pause)
}

func (c *conn) paceHold() hold {
	if c.paced.IsZero() {
		return 0
	}
	return holdPace
}

// resumePaced reads those again whose pause is over. A tick is fine enough: what
// a client earns in one beyond its rate is taken off the next pause.
func (l *loop) resumePaced() {
	still := l.paced[:0]
	for _, c := range l.paced {
		switch {
		case c.closed:
		case l.now.Before(c.paced):
			still = append(still, c)
		default:
			c.paced = time.Time{}
			c.regulate()
		}
	}
	clear(l.paced[len(still):])
	l.paced = still
}
