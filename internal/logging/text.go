package logging

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// textEncoder makes lines for people: time, level, event and message in columns, then key=value. Fields pass
// through zap's JSON encoder first, which knows their types; at a terminal the detour costs nobody anything.
type textEncoder struct {
	zapcore.Encoder
	pool  buffer.Pool
	color bool
}

func newTextEncoder(color bool) zapcore.Encoder {
	return textEncoder{
		Encoder: zapcore.NewJSONEncoder(zapcore.EncoderConfig{
			SkipLineEnding: true,
			EncodeTime:     encodeTime,
			EncodeDuration: zapcore.SecondsDurationEncoder,
		}),
		pool:  buffer.NewPool(),
		color: color,
	}
}

// Clone returns a copy with the fields given so far.
func (t textEncoder) Clone() zapcore.Encoder {
	t.Encoder = t.Encoder.Clone()
	return t
}

// The widths of the columns: the longest level, event and message fit.
const (
	levelWidth   = 5
	eventWidth   = 18
	messageWidth = 24
)

const timeOfDay = "15:04:05.000"

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

// EncodeEntry makes one line.
func (t textEncoder) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	object, err := t.Encoder.EncodeEntry(zapcore.Entry{}, fields)
	if err != nil {
		return nil, err
	}
	defer object.Free()
	line := t.pool.Get()
	t.paint(line, dim, e.Time.Format(timeOfDay))
	line.AppendByte(' ')
	t.paint(line, levelColor(e.Level), pad(e.Level.CapitalString(), levelWidth))
	line.AppendByte(' ')
	t.paint(line, dim, pad(e.LoggerName, eventWidth))
	line.AppendByte(' ')
	if object.String() == "{}" {
		line.AppendString(e.Message)
	} else {
		line.AppendString(pad(e.Message, messageWidth))
	}
	if err := t.appendFields(line, object.Bytes()); err != nil {
		line.Free()
		return nil, fmt.Errorf("read back fields: %w", err)
	}
	line.AppendByte('\n')
	return line, nil
}

// appendFields appends the members of a JSON object as key=value.
func (t textEncoder) appendFields(line *buffer.Buffer, object []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(object), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() == jsontext.KindString {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		line.AppendByte(' ')
		t.paint(line, dim, key+"=")
		line.AppendString(readable(key, value))
	}
	return nil
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
	d := time.Duration(s * float64(time.Second))
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

func (t textEncoder) paint(line *buffer.Buffer, color, text string) {
	if !t.color {
		line.AppendString(text)
		return
	}
	line.AppendString("\x1b[" + color + "m" + text + "\x1b[0m")
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-len(s), 0))
}
