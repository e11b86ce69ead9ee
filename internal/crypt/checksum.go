package crypt

import "hash/crc32"

// Kind names one of the two checksums that clients of the protocol compute.
type Kind uint8

const (
	CRC32 Kind = iota // CRC-32 as zlib has it (IEEE 802.3, reflected): the default
	Cksum             // the checksum of POSIX cksum, which includes the length
)

// String returns "crc32" or "cksum".
func (k Kind) String() string {
	if k == Cksum {
		return "cksum"
	}
	return "crc32"
}

// Sums holds both checksums of one content.
type Sums struct{ CRC32, Cksum uint32 }

// Of returns the checksum of the given kind.
func (s Sums) Of(k Kind) uint32 {
	if k == Cksum {
		return s.Cksum
	}
	return s.CRC32
}

// Checksums computes both checksums of a stream in one pass. The zero value is
// ready for the first byte. It is not for concurrent use.
type Checksums struct {
	crc32  uint32 // finished after every byte, as package crc32 keeps it
	cksum  uint32 // the register, without length and complement
	length uint64 // bytes so far
}

// Write adds p to the stream. It keeps no reference to p and never fails.
func (c *Checksums) Write(p []byte) (int, error) {
	c.crc32, c.cksum = updateSums(c.crc32, c.cksum, p)
	c.length += uint64(len(p))
	return len(p), nil
}

// Sum returns the checksum of the given kind over everything written so far.
// More may be written afterwards.
func (c *Checksums) Sum(k Kind) uint32 { return c.Sums().Of(k) }

// Sums returns both checksums over everything written so far.
func (c *Checksums) Sums() Sums {
	return Sums{CRC32: c.crc32, Cksum: finishCksum(c.cksum, c.length)}
}

// updateSumsGeneric is updateSums without assembly of our own.
func updateSumsGeneric(crc, cksum uint32, p []byte) (uint32, uint32) {
	return crc32.Update(crc, crc32.IEEETable, p), updateCksum(cksum, p)
}

// writeSecret adds the first n bytes of block, n in 0..16, in time that depends
// on nothing: every byte is computed, the mask decides what is kept.
func (c *Checksums) writeSecret(block *[16]byte, n uint32) {
	register := ^c.crc32
	for i, b := range block {
		keep := maskLess(uint32(i), n)
		register = choose(keep, stepCRC32(register, b), register)
		c.cksum = choose(keep, stepCksum(c.cksum, b), c.cksum)
	}
	c.crc32 = ^register
	c.length += uint64(n)
}

// reversedIEEE is the CRC-32 polynomial 0x04C11DB7, lowest power in the highest bit.
const reversedIEEE = 0xEDB88320

// stepCRC32 adds one byte to a reflected CRC-32 register, bit by bit, without
// branch or table.
func stepCRC32(register uint32, b byte) uint32 {
	register ^= uint32(b)
	for range 8 {
		register = register>>1 ^ reversedIEEE&-(register&1)
	}
	return register
}
