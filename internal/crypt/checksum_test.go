package crypt

import "testing"

func TestChecksumsOfKnownTexts(t *testing.T) {
	// cksum figures by GNU coreutils, CRC-32 by zlib.
	for _, c := range []struct {
		text  string
		crc32 uint32
		cksum uint32
	}{
		{"", 0x00000000, 4294967295},
		{"123456789", 0xCBF43926, 930766865},
	} {
		var sums Checksums
		sums.Write([]byte(c.text))
		if got := sums.Sums(); got != (Sums{c.crc32, c.cksum}) {
			t.Errorf("%q: %v", c.text, got)
		}
	}
}
