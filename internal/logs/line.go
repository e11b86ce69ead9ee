package logs

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A Line is one line of a log. It and everything it returns as bytes is valid until the next line is read.
type Line struct {
	Raw    []byte // without the newline
	Source string // the name of the file
	Number int    // within the file, from 1

	parsed bool
	valid  bool
	fields []member
	scrap  []byte // holds a text without its escapes
}

// member is a member of the line's JSON object, as it is written there.
type member struct{ name, value []byte }

// Valid tells whether the line looks like a JSON object. It is not a full check of JSON's grammar: Check is.
func (l *Line) Valid() bool {
	if !l.parsed {
		l.fields = l.fields[:0]
		l.valid = l.parse() == nil
		l.parsed = true
	}
	return l.valid
}

// reset makes the line another one.
func (l *Line) reset(raw []byte, source string, number int) {
	l.Raw, l.Source, l.Number, l.parsed = raw, source, number, false
}

var errNoObject = errors.New("not a JSON object")

// parse splits the object into its members.
func (l *Line) parse() error {
	b := l.Raw
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return errNoObject
	}
	for i = skipSpace(b, i+1); i < len(b) && b[i] == '"'; i = skipSpace(b, i+1) {
		nameEnd := endOfString(b, i+1)
		colon := skipSpace(b, nameEnd+1)
		if colon >= len(b) || b[colon] != ':' {
			return errNoObject
		}
		value := skipSpace(b, colon+1)
		end := endOfValue(b, value)
		l.fields = append(l.fields, member{b[i+1 : nameEnd], b[value:end]})
		i = skipSpace(b, end)
		if i >= len(b) || b[i] != ',' {
			break
		}
	}
	if i >= len(b) || b[i] != '}' || skipSpace(b, i+1) != len(b) {
		return errNoObject
	}
	return nil
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// endOfString returns where the quote stands that ends the string whose first character is at i; or the end of b.
func endOfString(b []byte, i int) int {
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return len(b)
}

// endOfValue returns where the value ends that begins at i.
func endOfValue(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		return min(endOfString(b, i+1)+1, len(b))
	case '{', '[':
		return endOfNested(b, i)
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ' ' {
		i++
	}
	return i
}

func endOfNested(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = endOfString(b, i+1)
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}

// raw returns the value of the field called name as it is written, nil if there is none.
func (l *Line) raw(name string) []byte {
	if !l.Valid() {
		return nil
	}
	for _, f := range l.fields {
		if string(f.name) == name {
			return f.value
		}
	}
	return nil
}

// Has tells whether the line has a field called name.
func (l *Line) Has(name string) bool { return l.raw(name) != nil }

// Text returns the text of a field without its escapes, nil if there is none. The next call may overwrite it.
func (l *Line) Text(name string) []byte {
	v := l.raw(name)
	if len(v) < 2 || v[0] != '"' {
		return v
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	text, err := jsontext.AppendUnquote(l.scrap[:0], v)
	if err != nil {
		return v[1 : len(v)-1]
	}
	l.scrap = text
	return text
}

// Float returns the value of a field that is a number.
func (l *Line) Float(name string) (float64, bool) { return parseFloat(l.raw(name)) }

// powers of ten that a float64 holds exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// parseFloat is strconv.ParseFloat, without an allocation for numbers of at most 15 digits: such a quotient of two
// exact numbers is rounded once (Clinger 1990, "How to read floating point numbers accurately").
func parseFloat(b []byte) (float64, bool) {
	digits, fraction, point := uint64(0), 0, false
	if len(b) == 0 || len(b) > 16 {
		return slowFloat(b)
	}
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			digits = digits*10 + uint64(c-'0')
			if point {
				fraction++
			}
		case c == '.' && !point:
			point = true
		default:
			return slowFloat(b)
		}
	}
	if !point && len(b) > 15 {
		return slowFloat(b)
	}
	return float64(digits) / powers[fraction], true
}

func slowFloat(b []byte) (float64, bool) {
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}

// Time returns when the line was written; ok is false if it does not say so.
func (l *Line) Time() (at time.Time, ok bool) {
	if i := bytes.Index(l.Raw[:min(len(l.Raw), 64)], tsField); i >= 0 {
		if at, ok := canonicalTime(l.Raw[i+len(tsField):]); ok {
			return at, true
		}
	}
	at, err := time.Parse(time.RFC3339Nano, string(l.Text("ts")))
	return at, err == nil
}

var tsField = []byte(`"ts":"`)

// canonicalTime parses a time as the server writes it, 2006-01-02T15:04:05.000000Z, at the beginning of b.
func canonicalTime(b []byte) (time.Time, bool) {
	const form = `2006-01-02T15:04:05.000000Z"`
	if len(b) < len(form) {
		return time.Time{}, false
	}
	for i := range len(form) {
		digit := '0' <= b[i] && b[i] <= '9'
		if wanted := '0' <= form[i] && form[i] <= '9'; wanted != digit || !wanted && b[i] != form[i] {
			return time.Time{}, false
		}
	}
	number := func(from, to int) (n int) {
		for _, c := range b[from:to] {
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, day, hour, minute, second := number(0, 4), number(5, 7), number(8, 10), number(11, 13), number(14, 16), number(17, 19)
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, number(20, 26)*1000, time.UTC), true
}
