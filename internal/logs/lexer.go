package logs

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A token is a word, a quoted text, an operator or a parenthesis of an expression.
type token struct {
	text     string // of a quoted text, without quotes and escapes
	position int    // in bytes
	form     tokenForm
}

type tokenForm int

const (
	tokenEnd tokenForm = iota
	tokenWord
	tokenQuoted
	tokenOperator
	tokenParenthesis
)

// String shows the token in an error.
func (t token) String() string {
	if t.form == tokenEnd {
		return "the end"
	}
	return strconv.Quote(t.text)
}

// operators, of which none begins with one before it.
var operators = []string{"!=", "<=", ">=", "!~", "==", "=", "<", ">", "~"}

// tokens splits an expression.
func tokens(text string) (found []token, err error) {
	for i := 0; i < len(text); {
		if text[i] == ' ' || text[i] == '\t' || text[i] == '\n' {
			i++
			continue
		}
		t, length, err := tokenAt(text, i)
		if err != nil {
			return nil, err
		}
		found = append(found, t)
		i += length
	}
	return append(found, token{"", len(text), tokenEnd}), nil
}

// tokenAt returns the token that begins at i, and its length in bytes.
func tokenAt(text string, i int) (token, int, error) {
	rest := text[i:]
	switch {
	case rest[0] == '(' || rest[0] == ')':
		return token{rest[:1], i, tokenParenthesis}, 1, nil
	case rest[0] == '"':
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return token{}, 0, &SyntaxError{Expression: text, Position: i, Found: "a text without an end", Expected: `a closing "`}
		}
		plain, _ := strconv.Unquote(quoted) // QuotedPrefix has checked it
		return token{plain, i, tokenQuoted}, len(quoted), nil
	}
	for _, o := range operators {
		if strings.HasPrefix(rest, o) {
			return token{o, i, tokenOperator}, len(o), nil
		}
	}
	length := strings.IndexFunc(rest, func(r rune) bool { return strings.ContainsRune(" \t\n()\"=!<>~", r) })
	switch {
	case length < 0:
		length = len(rest)
	case length == 0:
		_, length = utf8.DecodeRuneInString(rest)
		return token{}, 0, &SyntaxError{Expression: text, Position: i, Found: strconv.Quote(rest[:length]), Expected: "!= or !~"}
	}
	return token{rest[:length], i, tokenWord}, length, nil
}

// A SyntaxError says what is wrong with an expression, and where.
type SyntaxError struct {
	Expression string
	Position   int // in bytes
	Found      string
	Expected   string
	Nearest    string // a name that may have been meant; may be empty
}

// Error shows the expression with a mark below.
func (e *SyntaxError) Error() string {
	column := utf8.RuneCountInString(e.Expression[:e.Position])
	said := "column " + strconv.Itoa(column+1) + ": found " + e.Found + "; expected " + e.Expected
	if e.Nearest != "" {
		said += "; did you mean " + e.Nearest + "?"
	}
	return said + "\n  " + e.Expression + "\n  " + strings.Repeat(" ", column) + "^"
}
