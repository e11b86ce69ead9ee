package logs

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/sealquay/sealquay/internal/logging"
)

// A Condition is what --where says about lines.
type Condition struct{ expression }

// ParseCondition reads an expression:
//
//	expression = term { "or" term }
//	term       = factor { "and" factor }
//	factor     = "not" factor | "(" expression ")" | field [ operator value ]
//	operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
//
// A field alone asks whether the line has it. A value is a word or a text in double quotes. Sizes may have a unit
// (KiB, MiB, GiB, kB, MB, GB), times one of Go's (300ms, 1m30s) and count seconds without. After ~ stands a regular
// expression of Go. A comparison with a field that a line does not have is false. The error is a *SyntaxError.
func ParseCondition(text string) (Condition, error) {
	found, err := tokens(text)
	if err != nil {
		return Condition{}, err
	}
	p := parser{text: text, tokens: found}
	e, err := p.expression()
	if err != nil {
		return Condition{}, err
	}
	if p.tokens[0].form != tokenEnd {
		return Condition{}, p.fail(`"and", "or" or the end`)
	}
	return Condition{e}, nil
}

type parser struct {
	text   string
	tokens []token
}

func (p *parser) fail(expected string) *SyntaxError {
	return &SyntaxError{Expression: p.text, Position: p.tokens[0].position, Found: p.tokens[0].String(), Expected: expected}
}

// take returns the next token and goes on.
func (p *parser) take() token {
	t := p.tokens[0]
	if t.form != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the next token if it is this one.
func (p *parser) accept(form tokenForm, text string) bool {
	if t := p.tokens[0]; t.form != form || t.text != text {
		return false
	}
	p.take()
	return true
}

func (p *parser) expression() (expression, error) {
	parts, err := p.list("or", p.term)
	if len(parts) == 1 {
		return parts[0], err
	}
	return anyOf{parts}, err
}

func (p *parser) term() (expression, error) {
	parts, err := p.list("and", p.factor)
	if len(parts) == 1 {
		return parts[0], err
	}
	return all{parts}, err
}

// list reads parts with a word between them.
func (p *parser) list(word string, part func() (expression, error)) (parts []expression, err error) {
	for {
		e, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, e)
		if !p.accept(tokenWord, word) {
			return parts, nil
		}
	}
}

func (p *parser) factor() (expression, error) {
	switch {
	case p.accept(tokenWord, "not"):
		e, err := p.factor()
		return not{e}, err
	case p.accept(tokenParenthesis, "("):
		e, err := p.expression()
		if err == nil && !p.accept(tokenParenthesis, ")") {
			err = p.fail(`")"`)
		}
		return e, err
	}
	name := p.tokens[0]
	kind, known := logging.FieldKind(name.text)
	switch {
	case name.form != tokenWord:
		return nil, p.fail(`a field, "not" or "("`)
	case !known:
		err := p.fail("a field of a log line")
		err.Nearest = nearest(name.text, fieldNames())
		return nil, err
	}
	p.take()
	if p.tokens[0].form != tokenOperator {
		return has{name.text}, nil
	}
	return p.comparison(name.text, kind)
}

func (p *parser) comparison(field string, kind logging.Kind) (expression, error) {
	at := p.tokens
	o := operator(p.take().text)
	if o == "==" {
		o = "="
	}
	if o == "~" || o == "!~" {
		if kind == logging.KindInteger || kind == logging.KindSeconds || kind == logging.KindBoolean {
			p.tokens = at
			return nil, p.fail("=, !=, <, <=, > or >=, for " + field + " is no text")
		}
		return p.pattern(field, o)
	}
	value := p.tokens[0]
	if value.form != tokenWord && value.form != tokenQuoted {
		return nil, p.fail("a value for " + field)
	}
	e, expected := compare(field, kind, o, value.text)
	if expected != "" {
		err := p.fail(expected)
		err.Nearest = nearestValue(field, value.text)
		return nil, err
	}
	p.take()
	return e, nil
}

func (p *parser) pattern(field string, o operator) (expression, error) {
	value := p.tokens[0]
	if value.form != tokenWord && value.form != tokenQuoted {
		return nil, p.fail("a regular expression for " + field)
	}
	compiled, err := regexp.Compile(value.text)
	if err != nil {
		return nil, p.fail("a regular expression (" + err.Error() + ")")
	}
	p.take()
	if o == "!~" {
		return all{[]expression{has{field}, not{pattern{field, compiled}}}}, nil
	}
	return pattern{field, compiled}, nil
}

// compare makes a comparison, or says which value it expects.
func compare(field string, kind logging.Kind, o operator, value string) (e expression, expected string) {
	named := fieldName(field)
	switch kind {
	case logging.KindInteger:
		n, ok := parseSize(value)
		if !ok {
			return nil, "a whole number for " + field + ", like 1500 or 2MiB"
		}
		return comparison{o, orderOfNumber(field, n), named}, ""
	case logging.KindSeconds:
		n, ok := parseSeconds(value)
		if !ok {
			return nil, "a time for " + field + ", like 0.25 (seconds) or 300ms"
		}
		return comparison{o, orderOfNumber(field, n), named}, ""
	case logging.KindMoment:
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return nil, "a time for " + field + ", like 2026-11-23T14:30:00Z"
		}
		return comparison{o, orderOfTime(at), nil}, ""
	case logging.KindSeverity:
		level, ok := parseLevel(value)
		if !ok {
			return nil, "debug, info, warn or error"
		}
		return comparison{o, orderOfLevel(level), nil}, ""
	case logging.KindBoolean:
		if value != "true" && value != "false" || o != "=" && o != "!=" {
			return nil, "true or false, after = or !="
		}
		return truth{field, (value == "true") == (o == "=")}, ""
	}
	return compareText(field, o, value, named)
}

func compareText(field string, o operator, value string, named []*alternatives) (e expression, expected string) {
	switch {
	case field == "event" && !logging.Event(value).Known():
		return nil, "an event, as docs/LOGGING.md lists them"
	case field == "reason" && !logging.Reason(value).Known():
		return nil, "a reason, as docs/LOGGING.md lists them"
	case o == "=":
		return equalText(field, value), ""
	}
	return comparison{o, orderOfText(field, value), named}, ""
}

func parseLevel(text string) (zapcore.Level, bool) {
	switch text {
	case "debug":
		return zapcore.DebugLevel, true
	case "info":
		return zapcore.InfoLevel, true
	case "warn":
		return zapcore.WarnLevel, true
	case "error":
		return zapcore.ErrorLevel, true
	}
	return zapcore.InfoLevel, false
}

// units of sizes, the longer of two that end alike first.
var units = []struct {
	suffix string
	bytes  float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// parseSize reads a whole number, or a number with a unit.
func parseSize(text string) (float64, bool) {
	for _, u := range units {
		if number, found := strings.CutSuffix(text, u.suffix); found {
			n, err := strconv.ParseFloat(number, 64)
			return n * u.bytes, err == nil
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return float64(n), err == nil
}

// parseSeconds reads a number of seconds, or a duration with units.
func parseSeconds(text string) (float64, bool) {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n, true
	}
	d, err := time.ParseDuration(text)
	return d.Seconds(), err == nil
}
