package handlers

import (
	"testing"

	"github.com/sealquay/sealquay/internal/crypt"
)

func TestChoose(t *testing.T) {
	sums := crypt.Sums{CRC32: 1, Cksum: 2}
	rejected := func(k crypt.Kind) *rejection { return &rejection{size: 10, sums: sums, kind: k} }
	tests := []struct {
		name       string
		configured Checksum
		remembered string
		last       *rejection
		want       crypt.Kind
	}{
		{"a new client starts with CRC-32", ChecksumAuto, "", nil, crypt.CRC32},
		{"a known one with its own", ChecksumAuto, "cksum", nil, crypt.Cksum},
		{"the same bytes again get the other kind", ChecksumAuto, "", rejected(crypt.CRC32), crypt.Cksum},
		{"and the first one again", ChecksumAuto, "", rejected(crypt.Cksum), crypt.CRC32},
		{"also against what is remembered", ChecksumAuto, "cksum", rejected(crypt.Cksum), crypt.CRC32},
		{"other bytes do not", ChecksumAuto, "", &rejection{size: 11, sums: sums, kind: crypt.CRC32}, crypt.CRC32},
		{"nor other sums", ChecksumAuto, "", &rejection{size: 10, kind: crypt.CRC32}, crypt.CRC32},
		{"a configured kind stays", ChecksumCRC32, "cksum", rejected(crypt.CRC32), crypt.CRC32},
		{"whichever it is", ChecksumCksum, "", rejected(crypt.Cksum), crypt.Cksum},
	}
	for _, test := range tests {
		if got := test.configured.choose(test.remembered, test.last, 10, sums); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
