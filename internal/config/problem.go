package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problem is one thing wrong in a configuration.
type Problem struct {
	File    string `json:"file"`             // path, "environment" or "command line"
	Line    int    `json:"line,omitzero"`    // from 1; 0 outside files
	Column  int    `json:"column,omitzero"`  // in characters, from 1; 0 outside files
	Key     string `json:"key,omitzero"`     // key, variable or flag; empty where the whole file is meant
	Found   string `json:"found"`            // what stands there, escaped and cut
	Allowed string `json:"allowed,omitzero"` // what may stand there; empty where Found says it all
	Nearest string `json:"nearest,omitzero"` // for an unknown key: the known key most like it, if any is
}

// String is the problem on one line, in the form compilers use.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if p.Key != "" {
		b.WriteString(": " + p.Key)
	}
	if p.Allowed == "" {
		b.WriteString(": " + p.Found)
	} else {
		b.WriteString(": found " + p.Found + "; allowed: " + p.Allowed)
	}
	if p.Nearest != "" {
		fmt.Fprintf(&b, "; did you mean %q?", p.Nearest)
	}
	return b.String()
}

// Error is a configuration that cannot be used: every problem found in it, in the order of the sources.
type Error struct{ Problems []Problem }

// Error is the problems, one on a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Warning is something wrong that the server can run with.
type Warning struct {
	File    string // path of port.info, or "environment"
	Key     string // "port", or the variable
	Reason  string // constant
	Found   string // what stands there, escaped and cut; may be empty
	Used    string // what is taken instead; may be empty
	Nearest string // for an unknown variable: the known one most like it, if any is
}

// String is the warning on one line.
func (w Warning) String() string {
	s := w.File + ": " + w.Key + ": " + w.Reason
	if w.Found != "" {
		s += ": found " + w.Found
	}
	if w.Used != "" {
		s += "; using " + w.Used
	}
	if w.Nearest != "" {
		s += fmt.Sprintf("; did you mean %q?", w.Nearest)
	}
	return s
}

// quoteLimit is how much of a wrong text is shown, in bytes.
const quoteLimit = 64

// quote shows an untrusted text on one line: cut, in quotes, what is not visible escaped.
func quote(s string) string {
	if len(s) <= quoteLimit {
		return strconv.QuoteToGraphic(s)
	}
	cut := quoteLimit
	for cut > quoteLimit-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.QuoteToGraphic(s[:cut]) + "…"
}

// clean shows an untrusted name: as it is when it is plain, else as quote does.
func clean(name string) string {
	if quoted := quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
