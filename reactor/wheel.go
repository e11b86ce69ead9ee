package reactor

import "time"

const (
	wheelTick  = 250 * time.Millisecond
	wheelSlots = 64 // 16 s; what is due later goes round again
)

// A wheel keeps one time for each connection of a loop: when to look at it
// next. Adding, moving and removing cost a few pointers; there is no timer and
// nothing to do for a read. It is the hashed timing wheel of Varghese and Lauck
// (SOSP 1987).
type wheel struct {
	start time.Time
	done  int64 // the last tick that was served
	slots [wheelSlots]*conn
}

// wheelLink is a connection's place in its wheel.
type wheelLink struct {
	prev, next *conn
	due        int64 // tick, from 1; 0: it is in no wheel
}

func (w *wheel) init(now time.Time) { w.start = now }

// tickOf returns the first tick that is not before t.
func (w *wheel) tickOf(t time.Time) int64 {
	return int64((t.Sub(w.start) + wheelTick - 1) / wheelTick)
}

// add puts c in, to be looked at when t has come.
func (w *wheel) add(c *conn, t time.Time) {
	w.insert(c, max(w.tickOf(t), w.done+1))
}

func (w *wheel) insert(c *conn, due int64) {
	slot := &w.slots[due%wheelSlots]
	c.wheelLink = wheelLink{next: *slot, due: due}
	if *slot != nil {
		(*slot).wheelLink.prev = c
	}
	*slot = c
}

// advance moves c forward if t is earlier than its time; a later time is found
// out when the earlier one has come.
func (w *wheel) advance(c *conn, t time.Time) {
	if due := max(w.tickOf(t), w.done+1); c.wheelLink.due > 0 && due < c.wheelLink.due {
		w.remove(c)
		w.insert(c, due)
	}
}

// remove takes c out if it is in.
func (w *wheel) remove(c *conn) {
	link := &c.wheelLink
	if link.due == 0 {
		return
	}
	if link.prev != nil {
		link.prev.wheelLink.next = link.next
	} else {
		w.slots[link.due%wheelSlots] = link.next
	}
	if link.next != nil {
		link.next.wheelLink.prev = link.prev
	}
	*link = wheelLink{}
}

// turn serves all ticks up to now: each connection whose time has come is taken
// out and passed to due, which may add it again.
func (w *wheel) turn(now time.Time, due func(*conn)) {
	last := int64(now.Sub(w.start) / wheelTick)
	for first := max(w.done+1, last-wheelSlots+1); first <= last; first++ {
		w.done = first
		for c := w.slots[first%wheelSlots]; c != nil; {
			next := c.wheelLink.next
			if c.wheelLink.due <= first {
				w.remove(c)
				due(c)
			}
			c = next
		}
	}
	w.done = max(w.done, last)
}

// each calls f for every connection. f may remove that connection.
func (w *wheel) each(f func(*conn)) {
	for _, c := range w.slots {
		for c != nil {
			next := c.wheelLink.next
			f(c)
			c = next
		}
	}
}
