package logs

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/sealquay/sealquay/internal/logging"
)

// A Filter chooses lines. The zero value chooses all; each call narrows the choice. It is not safe for concurrent use.
type Filter struct {
	conditions all
	needed     []*alternatives
	client     *clientOf // nil: any
}

func (f *Filter) add(e expression) {
	f.conditions.parts = append(f.conditions.parts, e)
	f.needed = append(f.needed, e.needs()...)
}

// IsEmpty tells whether the filter chooses all lines, also those that are no JSON.
func (f *Filter) IsEmpty() bool { return len(f.conditions.parts) == 0 && f.client == nil }

// Where chooses lines for which a condition holds.
func (f *Filter) Where(c Condition) { f.add(c.expression) }

// Since chooses lines from a time on.
func (f *Filter) Since(at time.Time) { f.add(comparison{">=", orderOfTime(at), nil}) }

// Until chooses lines before a time.
func (f *Filter) Until(at time.Time) { f.add(comparison{"<", orderOfTime(at), nil}) }

// Level chooses lines of a level and of more severe ones.
func (f *Filter) Level(least zapcore.Level) { f.add(severe(least)) }

// Events chooses lines about any of these events.
func (f *Filter) Events(events ...string) { f.add(anyText("event", events)) }

// Ops chooses lines of any of these requests, by name or number.
func (f *Filter) Ops(ops ...string) {
	var parts []expression
	for _, op := range ops {
		if n, err := strconv.Atoi(op); err == nil {
			parts = append(parts, equalNumber("op_code", n))
		} else {
			parts = append(parts, equalText("op", op))
		}
	}
	f.add(anyOf{parts})
}

// Statuses chooses lines with any of these responses, by number.
func (f *Filter) Statuses(codes ...int) { f.add(anyNumber("status", codes)) }

// Connections chooses lines of any of these connections.
func (f *Filter) Connections(ids ...int) { f.add(anyNumber("conn_id", ids)) }

// Client chooses lines of one client, by its id or its name. Lines that have the id only are found once one with id and
// name went by.
func (f *Filter) Client(idOrName string) { f.client = newClientOf(idOrName) }

// Match tells whether the line is chosen.
func (f *Filter) Match(l *Line) bool {
	if f.client != nil && !f.client.matchRaw(l) { // first: it learns from lines that are not chosen
		return false
	}
	for _, a := range f.needed {
		if !a.in(l.Raw) {
			return false
		}
	}
	return f.IsEmpty() || l.Valid() && f.conditions.match(l)
}

func (a *alternatives) in(raw []byte) bool {
	for _, text := range a.texts {
		if bytes.Contains(raw, text) {
			return true
		}
	}
	return false
}

func anyText(field string, wanted []string) expression {
	var parts []expression
	for _, w := range wanted {
		parts = append(parts, equalText(field, w))
	}
	return anyOf{parts}
}

func anyNumber(field string, wanted []int) expression {
	var parts []expression
	for _, w := range wanted {
		parts = append(parts, equalNumber(field, w))
	}
	return anyOf{parts}
}

// equalNumber looks for the digits: the server writes whole numbers without point and exponent.
func equalNumber(field string, want int) comparison {
	return comparison{"=", orderOfNumber(field, float64(want)), literal(strconv.Itoa(want))}
}

// clientOf are the lines of a client. It learns the ids that go with a name.
type clientOf struct {
	name   []byte   // nil: wanted by id
	ids    [][]byte // in hexadecimal digits
	needed *alternatives
}

func newClientOf(idOrName string) *clientOf {
	if raw, err := hex.DecodeString(idOrName); err == nil && len(raw) == 16 {
		id := []byte(hex.EncodeToString(raw))
		return &clientOf{ids: [][]byte{id}, needed: &alternatives{[][]byte{id}}}
	}
	name := logging.Untrusted(idOrName)
	c := &clientOf{name: []byte(name)}
	if needed := literal(name); needed != nil {
		c.needed = needed[0]
	}
	return c
}

func (c *clientOf) match(l *Line) bool {
	id := l.Text("client_id")
	if len(id) > 0 && slices.ContainsFunc(c.ids, func(known []byte) bool { return bytes.Equal(known, id) }) {
		return true
	}
	if c.name == nil {
		return false
	}
	id = bytes.Clone(id)
	if !bytes.Equal(l.Text("client_name"), c.name) {
		return false
	}
	if len(id) > 0 {
		c.learn(id)
	}
	return true
}

func (c *clientOf) learn(id []byte) {
	c.ids = append(c.ids, id)
	if c.needed != nil {
		c.needed.texts = append(c.needed.texts, id)
	}
}

// matchRaw is match, which looks first whether the line can match.
func (c *clientOf) matchRaw(l *Line) bool {
	return (c.needed == nil || c.needed.in(l.Raw)) && l.Valid() && c.match(l)
}
