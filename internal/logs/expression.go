package logs

import (
	"bytes"
	"regexp"
	"time"

	"go.uber.org/zap/zapcore"
)

// An expression says which lines match. A comparison with a field that the line does not have is false.
type expression interface {
	match(l *Line) bool
	// needs returns texts of which every matching line has at least one, as it is written; nil: nothing is known.
	// They are looked for before a line is parsed.
	needs() []*alternatives
}

// alternatives are texts of which one is needed.
type alternatives struct{ texts [][]byte }

type all struct{ parts []expression }

func (e all) match(l *Line) bool {
	for _, p := range e.parts {
		if !p.match(l) {
			return false
		}
	}
	return true
}

func (e all) needs() (needed []*alternatives) {
	for _, p := range e.parts {
		needed = append(needed, p.needs()...)
	}
	return needed
}

type anyOf struct{ parts []expression }

func (e anyOf) match(l *Line) bool {
	for _, p := range e.parts {
		if p.match(l) {
			return true
		}
	}
	return false
}

func (e anyOf) needs() []*alternatives {
	joined := new(alternatives)
	for _, p := range e.parts {
		needed := p.needs()
		if len(needed) == 0 {
			return nil
		}
		joined.texts = append(joined.texts, needed[0].texts...)
	}
	return []*alternatives{joined}
}

type not struct{ expression }

func (e not) match(l *Line) bool   { return !e.expression.match(l) }
func (not) needs() []*alternatives { return nil }

// has is true for lines that have a field; for one that is false, it is not.
type has struct{ field string }

func (e has) match(l *Line) bool {
	v := l.raw(e.field)
	return v != nil && string(v) != "false"
}

func (e has) needs() []*alternatives { return fieldName(e.field) }

// compare compares what a field of a line is with what it is to be: negative, 0 or positive, or not at all.
type order func(l *Line) (result int, comparable bool)

type comparison struct {
	operator operator
	order    order
	needed   []*alternatives
}

func (e comparison) match(l *Line) bool {
	result, comparable := e.order(l)
	return comparable && e.operator.holds(result)
}

func (e comparison) needs() []*alternatives { return e.needed }

// operator is a comparison's: = != < <= > >=.
type operator string

func (o operator) holds(result int) bool {
	switch o {
	case "=":
		return result == 0
	case "!=":
		return result != 0
	case "<":
		return result < 0
	case "<=":
		return result <= 0
	case ">":
		return result > 0
	default: // >=
		return result >= 0
	}
}

// fieldName is the need for a field's name.
func fieldName(field string) []*alternatives {
	return []*alternatives{{texts: [][]byte{[]byte(`"` + field + `"`)}}}
}

// literal is the need for one text. A text that JSON might write in several ways is none.
func literal(text string) []*alternatives {
	if !isWrittenOneWay(text) {
		return nil
	}
	return []*alternatives{{texts: [][]byte{[]byte(text)}}}
}

// isWrittenOneWay tells whether every program writes text the same way within a JSON string.
func isWrittenOneWay(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c >= 0x7f || c < ' ' || c == '"' || c == '\\' || c == '/' || c == '<' || c == '>' || c == '&' || c == '\'' {
			return false
		}
	}
	return len(text) > 1
}

func equalText(field, want string) comparison {
	return comparison{"=", orderOfText(field, want), literal(want)}
}

func orderOfText(field, want string) order {
	wanted := []byte(want)
	return func(l *Line) (int, bool) {
		if !l.Has(field) {
			return 0, false
		}
		return bytes.Compare(l.Text(field), wanted), true
	}
}

func orderOfNumber(field string, want float64) order {
	return func(l *Line) (int, bool) {
		n, ok := l.Float(field)
		switch {
		case !ok:
			return 0, false
		case n < want:
			return -1, true
		case n > want:
			return 1, true
		}
		return 0, true
	}
}

func orderOfTime(want time.Time) order {
	return func(l *Line) (int, bool) {
		at, ok := l.Time()
		return at.Compare(want), ok
	}
}

func orderOfLevel(want zapcore.Level) order {
	return func(l *Line) (int, bool) {
		level, ok := l.Level()
		return int(level) - int(want), ok
	}
}

// severe are lines of a level or a more severe one.
func severe(least zapcore.Level) comparison {
	names := new(alternatives)
	for level := least; level <= zapcore.ErrorLevel; level++ {
		names.texts = append(names.texts, []byte(`"`+level.String()+`"`))
	}
	return comparison{">=", orderOfLevel(least), []*alternatives{names}}
}

// pattern is a text field that matches a regular expression.
type pattern struct {
	field string
	*regexp.Regexp
}

func (e pattern) match(l *Line) bool     { return l.Has(e.field) && e.Match(l.Text(e.field)) }
func (e pattern) needs() []*alternatives { return fieldName(e.field) }

// truth is a boolean field.
type truth struct {
	field string
	want  bool
}

func (e truth) match(l *Line) bool {
	v := string(l.raw(e.field))
	return v == "true" && e.want || v == "false" && !e.want
}

func (e truth) needs() []*alternatives { return fieldName(e.field) }

// Level returns the line's level.
func (l *Line) Level() (zapcore.Level, bool) { return parseLevel(string(l.Text("level"))) }
