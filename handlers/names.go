package handlers

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/logging"
)

// seedSuffix is what the seed's client appends to the file name in 1103, and
// not in 1104 to 1106 (PROTOCOL.md section 2).
const seedSuffix = ".enc"

// clientName checks the name of a client: 1 to 254 bytes of UTF-8.
func clientName(raw []byte) (string, logging.Reason) {
	switch {
	case len(raw) == 0:
		return "", logging.NameEmpty
	case !utf8.Valid(raw):
		return "", logging.NameNotUTF8
	}
	return string(raw), ""
}

// uploadName returns the name of the file that a 1103 in this dialect sends.
func uploadName(raw []byte, d codec.Dialect) (string, logging.Reason) {
	if d == codec.Seed {
		raw = bytes.TrimSuffix(raw, []byte(seedSuffix))
	}
	return fileName(raw)
}

// fileName reduces the untrusted name of a file to its last part and checks
// that (PROTOCOL.md section 4).
func fileName(raw []byte) (string, logging.Reason) {
	raw = raw[bytes.LastIndexAny(raw, `/\`)+1:]
	switch name := string(raw); {
	case name == "":
		return "", logging.FileNameEmpty
	case name == "." || name == "..":
		return "", logging.FileNameDot
	case !utf8.ValidString(name):
		return "", logging.FileNameNotUTF8
	case bytes.ContainsFunc(raw, unicode.IsControl):
		return "", logging.FileNameControl
	default:
		return name, ""
	}
}
