package handlers

import (
	"strings"
	"testing"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

func TestFileName(t *testing.T) {
	tests := []struct {
		raw  string
		name string
		why  logging.Reason
	}{
		{"report.pdf", "report.pdf", ""},
		{"/home/me/report.pdf", "report.pdf", ""},
		{`C:\Users\me\report.pdf`, "report.pdf", ""},
		{`mixed/sepa\rators/x`, "x", ""},
		{"../../etc/passwd", "passwd", ""},
		{"...", "...", ""},
		{".hidden", ".hidden", ""},
		{"a b", "a b", ""},
		{"Straße.txt", "Straße.txt", ""},
		{strings.Repeat("x", 254), strings.Repeat("x", 254), ""},
		{"", "", logging.FileNameEmpty},
		{"dir/", "", logging.FileNameEmpty},
		{`dir\`, "", logging.FileNameEmpty},
		{".", "", logging.FileNameDot},
		{"a/..", "", logging.FileNameDot},
		{"line\nbreak", "", logging.FileNameControl},
		{"dir\n/name", "name", ""}, // what is cut off does not matter
		{"\x7f", "", logging.FileNameControl},
		{"\u0085", "", logging.FileNameControl},
		{"\xc0\xaf", "", logging.FileNameNotUTF8}, // an over-long separator
		{"caf\xe9", "", logging.FileNameNotUTF8},
	}
	for _, test := range tests {
		if name, why := fileName([]byte(test.raw)); name != test.name || why != test.why {
			t.Errorf("fileName(%q) = %q, %q; want %q, %q", test.raw, name, why, test.name, test.why)
		}
	}
}

func TestUploadNameLosesTheSeedsSuffixOnly(t *testing.T) {
	tests := []struct {
		raw     string
		dialect codec.Dialect
		name    string
		why     logging.Reason
	}{
		{"a.txt.enc", codec.Seed, "a.txt", ""},
		{"a.enc.enc", codec.Seed, "a.enc", ""},
		{"a.txt", codec.Seed, "a.txt", ""}, // four characters are not cut without looking
		{"a.txt.enc", codec.Documented, "a.txt.enc", ""},
		{".enc", codec.Seed, "", logging.FileNameEmpty},
		{"dir/.enc", codec.Seed, "", logging.FileNameEmpty},
	}
	for _, test := range tests {
		if name, why := uploadName([]byte(test.raw), test.dialect); name != test.name || why != test.why {
			t.Errorf("uploadName(%q, %v) = %q, %q; want %q, %q", test.raw, test.dialect, name, why, test.name, test.why)
		}
	}
}

func TestClientName(t *testing.T) {
	tests := []struct {
		raw string
		why logging.Reason
	}{
		{"alice", ""},
		{"名前", ""},
		{"", logging.NameEmpty},
		{"\xff", logging.NameNotUTF8},
	}
	for _, test := range tests {
		name, why := clientName([]byte(test.raw))
		if why != test.why || why == "" && name != test.raw {
			t.Errorf("clientName(%q) = %q, %q; want reason %q", test.raw, name, why, test.why)
		}
	}
}
