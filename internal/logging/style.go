package logging

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"go.uber.org/zap/zapcore"
)

// Style is how lines look to people: time, level, event and message in columns, then key=value.
type Style struct {
	Color bool // by ANSI escape sequences
}

// Entry is what Style shows of a line.
type Entry struct {
	Time    string // as it is shown
	Level   zapcore.Level
	Event   string
	Message string
	Fields  []byte // a JSON object; the members that each line has are left out
}

// The widths of the columns: the longest level, event and message fit.
const (
	levelWidth   = 5
	eventWidth   = 18
	messageWidth = 24
)

// TimeOfDay is the layout of times in lines for people.
const TimeOfDay = "15:04:05.000"

// Parts of ANSI escape sequences: select graphic rendition, ECMA-48 section 8.3.117.
const (
	dim    = "2"
	red    = "1;31"
	yellow = "33"
	green  = "32"
	blue   = "34"
)

func levelColor(l zapcore.Level) string {
	switch {
	case l >= zapcore.ErrorLevel:
		return red
	case l == zapcore.WarnLevel:
		return yellow
	case l == zapcore.InfoLevel:
		return green
	default:
		return blue
	}
}

// Append appends one line, with its newline. The error is about Fields.
func (s Style) Append(line []byte, e Entry) ([]byte, error) {
	line = s.paint(line, dim, e.Time)
	line = append(line, ' ')
	line = s.paint(line, levelColor(e.Level), pad(e.Level.CapitalString(), levelWidth))
	line = append(line, ' ')
	line = s.paint(line, dim, pad(e.Event, eventWidth))
	line = append(line, ' ')
	head := len(line)
	line = append(line, pad(e.Message, messageWidth)...)
	columns := len(line)
	line, err := s.appendFields(line, e.Fields)
	if err != nil {
		return nil, fmt.Errorf("read back fields: %w", err)
	}
	if len(line) == columns {
		line = append(line[:head], e.Message...)
	}
	return append(line, '\n'), nil
}

// Field appends a field as key=value.
func (s Style) Field(line []byte, key string, value jsontext.Value) []byte {
	line = append(line, ' ')
	line = s.paint(line, dim, key+"=")
	return append(line, readable(key, value)...)
}

// appendFields appends the members of a JSON object as key=value.
func (s Style) appendFields(line, object []byte) ([]byte, error) {
	d := jsontext.NewDecoder(bytes.NewReader(object), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for d.PeekKind() == jsontext.KindString {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		if !isMandatory(key) {
			line = s.Field(line, quoteIfNeeded(key), value)
		}
	}
	return line, nil
}

// isMandatory tells whether each line has the field called key.
func isMandatory(key string) bool {
	return key == "ts" || key == "level" || key == "event" || key == "msg"
}

// readable is a field's value for people.
func readable(key string, value jsontext.Value) string {
	switch value.Kind() {
	case jsontext.KindNumber:
		if key == "duration" || key == "queue_wait" {
			return readableSeconds(string(value))
		}
	case jsontext.KindString:
		// The value comes from an encoder and is valid.
		text, _ := jsontext.AppendUnquote(nil, value)
		return quoteIfNeeded(string(text))
	}
	return escape(string(value), detailLimit, false)
}

// readableSeconds shows three or four digits of a duration, like 1.23ms.
func readableSeconds(seconds string) string {
	s, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return seconds
	}
	return ReadableDuration(time.Duration(s * float64(time.Second)))
}

// ReadableDuration shows three or four digits of a duration, like 1.23ms.
func ReadableDuration(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}

// quoteIfNeeded keeps texts apart from each other, and every control sequence from the terminal.
func quoteIfNeeded(s string) string {
	special := func(r rune) bool { return r == ' ' || r == '"' || r == '=' || !isVisible(r) }
	if s == "" || strings.ContainsFunc(s, special) {
		return strconv.QuoteToGraphic(s)
	}
	return s
}

func (s Style) paint(line []byte, color, text string) []byte {
	if !s.Color {
		return append(line, text...)
	}
	line = append(line, "\x1b["+color+"m"...)
	line = append(line, text...)
	return append(line, "\x1b[0m"...)
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-len(s), 0))
}
