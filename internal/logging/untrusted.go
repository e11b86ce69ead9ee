package logging

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Limits of what one field shows of a text, in bytes.
const (
	UntrustedLimit = 256
	detailLimit    = 1024
)

// ellipsis ends a text that was cut.
const ellipsis = "…"

// Untrusted makes bytes from outside fit for a line: valid UTF-8 of at most UntrustedLimit bytes without control,
// bidirectional and other invisible characters. These, invalid bytes and the backslash are escaped as in Go
// strings, so that different texts stay different until they are cut; a cut text ends in "…". A plain short text is
// returned as it is, without an allocation.
func Untrusted(s string) string { return escape(s, UntrustedLimit, true) }

// Visible makes any text fit for a terminal: like Untrusted, but with backslashes as they are and up to 1024 bytes.
func Visible(s string) string { return escape(s, detailLimit, false) }

// escape is Untrusted with another limit; without backslashes, texts that are escaped already stay readable.
func escape(s string, limit int, backslash bool) string {
	if len(s) <= limit && isPlain(s, backslash) {
		return s
	}
	out := make([]byte, 0, min(len(s)+16, limit))
	whole := 0 // length of out that leaves room for the ellipsis
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		out = appendRune(out, r, s[i:i+n], backslash)
		if len(out) > limit {
			return string(out[:whole]) + ellipsis
		}
		if len(out) <= limit-len(ellipsis) {
			whole = len(out)
		}
		i += n
	}
	return string(out)
}

func isPlain(s string, backslash bool) bool {
	for i, r := range s {
		if !isVisible(r) || r == '\\' && backslash {
			return false
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return false
			}
		}
	}
	return true
}

// isVisible tells whether r shows as itself: a letter, mark, number, punctuation, symbol or space.
func isVisible(r rune) bool {
	if r < utf8.RuneSelf {
		return ' ' <= r && r <= '~'
	}
	return unicode.IsGraphic(r)
}

// appendRune appends raw, which is r, or its escape.
func appendRune(out []byte, r rune, raw string, backslash bool) []byte {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		const digits = "0123456789abcdef"
		return append(out, '\\', 'x', digits[raw[0]>>4], digits[raw[0]&15])
	case r == '\\' && backslash:
		return append(out, `\\`...)
	case isVisible(r):
		return append(out, raw...)
	default:
		quoted := strconv.AppendQuoteRuneToASCII(make([]byte, 0, 16), r)
		return append(out, quoted[1:len(quoted)-1]...)
	}
}
