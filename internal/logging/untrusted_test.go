package logging

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestUntrusted(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"report 2026.txt", "report 2026.txt"},
		{"übergröße-文件-😀", "übergröße-文件-😀"},
		{`C:\a`, `C:\\a`},
		{"a\r\nb\x00\t\x1b[31m\x7f", `a\r\nb\x00\t\x1b[31m\x7f`},
		{"\u0085\u009b", `\u0085\u009b`},
		{"gpj\u202e.exe\u2066\u200b\ufeff", `gpj\u202e.exe\u2066\u200b\ufeff`},
		{"\u2028\u2029", `\u2028\u2029`},
		{"\xff\xc0\xaf", `\xff\xc0\xaf`},
		{"\ufffd", "\ufffd"},
		{"\U000e0041", `\U000e0041`},
		{strings.Repeat("a", 256), strings.Repeat("a", 256)},
		{strings.Repeat("a", 257), strings.Repeat("a", 253) + "…"},
		{strings.Repeat("ä", 129), strings.Repeat("ä", 126) + "…"},
		{strings.Repeat("\x00", 64), strings.Repeat(`\x00`, 64)},
		{strings.Repeat("\x00", 65), strings.Repeat(`\x00`, 63) + "…"},
	} {
		if got := Untrusted(c.in); got != c.want {
			t.Errorf("Untrusted(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// Any bytes become visible text of at most 256 bytes, from which, unless it was cut, the bytes can be had back.
func TestUntrustedHoldsForAllBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(
			rapid.String(),
			rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "bytes")) }),
		).Draw(t, "in")
		out := Untrusted(in)
		if len(out) > UntrustedLimit || !utf8.ValidString(out) {
			t.Fatalf("%d bytes, valid %v", len(out), utf8.ValidString(out))
		}
		if strings.ContainsFunc(out, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Fatalf("invisible characters in %q", out)
		}
		if strings.HasSuffix(out, ellipsis) && !strings.HasSuffix(in, ellipsis) {
			return
		}
		back, err := strconv.Unquote(`"` + strings.ReplaceAll(out, `"`, `\"`) + `"`)
		if err != nil || back != in {
			t.Fatalf("%q became %q, from which comes %q, %v", in, out, back, err)
		}
	})
}

func TestUntrustedDoesNotAllocateForPlainText(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Untrusted("quarterly report – übersicht.pdf") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
