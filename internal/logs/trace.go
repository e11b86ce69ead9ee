package logs

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
)

// Trace collects what one connection, or all connections of one client, did. Numbers of connections begin anew when
// a server starts; it tells the runs apart.
type Trace struct {
	wanted func(*Line) bool
	open   map[uint64]*Conversation // of this run of the server
	found  []*Conversation
}

// A Conversation is the life of a connection; or, with ConnID 0, what was said of the client beside connections.
type Conversation struct {
	ConnID     uint64
	ClientIP   string
	ClientID   string
	ClientName string
	First      time.Time
	Last       time.Time
	Requests   int
	Refused    int
	Reason     string // of its end; empty while it lasts

	wanted bool
	lines  [][]byte
}

// TraceConnection collects the lines of connections with this number.
func TraceConnection(id uint64) *Trace {
	digits := []byte(strconv.FormatUint(id, 10))
	return newTrace(func(l *Line) bool { return bytes.Equal(l.raw("conn_id"), digits) })
}

// TraceClient collects the connections of a client, given by id or name.
func TraceClient(idOrName string) *Trace { return newTrace(newClientOf(idOrName).match) }

func newTrace(wanted func(*Line) bool) *Trace {
	return &Trace{wanted: wanted, open: make(map[uint64]*Conversation)}
}

// Add looks at a line. Lines of connections whose client is not known yet are kept until it is, or they end.
func (t *Trace) Add(l *Line) {
	event := logging.Event(l.Text("event"))
	if event == logging.ServerStart {
		clear(t.open)
		return
	}
	id, _ := l.Float("conn_id")
	key, wanted := uint64(id), t.wanted(l)
	c := t.open[key]
	if c == nil {
		if key == 0 && !wanted {
			return
		}
		c = &Conversation{ConnID: key}
		t.open[key] = c
	}
	c.add(l)
	if wanted && !c.wanted {
		c.wanted = true
		t.found = append(t.found, c)
	}
	if event == logging.ConnClose {
		c.Reason = string(l.Text("reason"))
		delete(t.open, key)
	}
}

func (c *Conversation) add(l *Line) {
	if at, ok := l.Time(); ok {
		if c.First.IsZero() {
			c.First = at
		}
		c.Last = at
	}
	for field, to := range map[string]*string{"client_ip": &c.ClientIP, "client_id": &c.ClientID, "client_name": &c.ClientName} {
		if text := l.Text(field); len(text) > 0 {
			*to = string(text)
		}
	}
	if string(l.Text("event")) == string(logging.RequestDone) {
		c.Requests++
		if l.Has("reason") {
			c.Refused++
		}
	}
	c.lines = append(c.lines, bytes.Clone(l.Raw))
}

// Conversations returns what was found, in the order of their beginnings.
func (t *Trace) Conversations() []*Conversation {
	slices.SortStableFunc(t.found, func(a, b *Conversation) int { return a.First.Compare(b.First) })
	return t.found
}

// Each calls show for the lines of the conversation, until that fails. A line is valid during the call.
func (c *Conversation) Each(show func(*Line) error) error {
	var line Line
	for i, raw := range c.lines {
		line.reset(raw, "", i+1)
		if err := show(&line); err != nil {
			return err
		}
	}
	return nil
}
