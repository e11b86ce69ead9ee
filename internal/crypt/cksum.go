package crypt

import (
	"encoding/binary"
	"sync"
)

// polynomial is x^32 + x^26 + ... + 1 without its highest term, highest power
// in the highest bit: POSIX.1-2024, cksum. The register starts at zero.
const polynomial = 0x04C11DB7

// stepCksum adds one byte to the register, bit by bit, without branch or table.
func stepCksum(register uint32, b byte) uint32 {
	register ^= uint32(b) << 24
	for range 8 {
		register = register<<1 ^ polynomial&-(register>>31)
	}
	return register
}

// finishCksum adds the length, lowest byte first and as many bytes as it has,
// and complements. All eight bytes are computed, so that the time does not
// depend on the length.
func finishCksum(register uint32, length uint64) uint32 {
	for range 8 {
		present := uint32(-((length | -length) >> 63))
		register = choose(present, stepCksum(register, byte(length)), register)
		length >>= 8
	}
	return ^register
}

// cksumTables holds, for the byte b and the distance d, the register after b
// and d zero bytes. 8 KiB, made at the first use.
var cksumTables = sync.OnceValue(func() *[8][256]uint32 {
	var tables [8][256]uint32
	for b := range 256 {
		register := stepCksum(0, byte(b))
		for d := range tables {
			tables[d][b] = register
			register = stepCksum(register, 0)
		}
	}
	return &tables
})

// updateCksum adds p to the register eight bytes at a time
// ("slicing by 8", Kounavis and Berry, Intel, 2005).
func updateCksum(register uint32, p []byte) uint32 {
	t := cksumTables()
	for ; len(p) >= 8; p = p[8:] {
		high := register ^ binary.BigEndian.Uint32(p)
		low := binary.BigEndian.Uint32(p[4:])
		register = t[7][high>>24] ^ t[6][high>>16&0xff] ^ t[5][high>>8&0xff] ^ t[4][high&0xff] ^
			t[3][low>>24] ^ t[2][low>>16&0xff] ^ t[1][low>>8&0xff] ^ t[0][low&0xff]
	}
	for _, b := range p {
		register = stepCksum(register, b)
	}
	return register
}
