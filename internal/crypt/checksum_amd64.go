//go:build !purego

package crypt

import (
	"hash/crc32"

	"golang.org/x/sys/cpu"
)

// The constants of the kernels, each a power of x modulo the polynomial P or a
// quotient by it. The names give the distance in bits, a pair the factors for the
// lower and the upper half of a lane.
var (
	foldBy128  = [2]uint64{0xe8a45605, 0xc5b9cd4c} // x^128, x^192
	foldBy512  = [2]uint64{0xe6228b11, 0x8833794c} // x^512, x^576
	foldBy2048 = [2]uint64{0x88fe2237, 0xcbcf3bcb} // x^2048, x^2112
	foldLanes  = [8]uint64{
		0x8c3828a8, 0x64bf7a9b, // x^384, x^448
		0x75be46b7, 0x569700e5, // x^256, x^320
		0xe8a45605, 0xc5b9cd4c, // x^128, x^192
		0, 0,
	}
	foldTo64 = [2]uint64{0xf200aa66, 0x490d678d}   // x^96, x^64
	barrett  = [2]uint64{0x104d101df, 0x104c11db7} // floor(x^64 / P), P

	// A register times these is the lane that leaves it: x^-33 for CRC-32, x^-32 for cksum.
	unfold = [2]uint64{0xb66b1fa600000000, 0xcbf1acda}

	reverseBytes = [16]byte{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}
)

// The same for CRC-32: the 64 bits of each reversed.
var (
	foldReflectedBy512  = [2]uint64{0x653d982200000000, 0xcad38e8f00000000} // x^575, x^511
	foldReflectedBy2048 = [2]uint64{0x7cc8e1e700000000, 0x03f9f86300000000} // x^2111, x^2047
	foldReflectedLanes  = [8]uint64{
		0x69ccfc0d00000000, 0x2a28386200000000, // x^447, x^383
		0x9570d49500000000, 0x01b5fd1d00000000, // x^319, x^255
		0x65673b4600000000, 0x9ba54c6f00000000, // x^191, x^127
		0, 0,
	}
)

// cksumCLMUL adds p to the register of cksum by carry-less multiplication. len(p) is a
// positive multiple of 16.
//
//go:noescape
func cksumCLMUL(register uint32, p []byte) uint32

// foldVPCLMUL reads p once for both checksums. For each it makes 16 bytes that
// change a register of zero to what the register becomes after p: lanes[0] for
// CRC-32, lanes[1] for cksum. len(p) is a positive multiple of 256.
//
//go:noescape
func foldVPCLMUL(lanes *[2][16]byte, crc32, cksum uint32, p []byte)

// foldVPCLMUL256 is the same on 256-bit registers. len(p) is a positive multiple of 64.
//
//go:noescape
func foldVPCLMUL256(lanes *[2][16]byte, crc32, cksum uint32, p []byte)

// hasCLMUL says whether cksumCLMUL can run here.
func hasCLMUL() bool { return cpu.X86.HasPCLMULQDQ && cpu.X86.HasSSSE3 }

// hasVPCLMUL says whether foldVPCLMUL can run here, with cksumCLMUL after it.
func hasVPCLMUL() bool {
	return hasCLMUL() && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL &&
		cpu.X86.HasAVX512VPCLMULQDQ
}

// hasVPCLMUL256 says whether foldVPCLMUL256 can run here, with cksumCLMUL after it.
func hasVPCLMUL256() bool { return hasCLMUL() && hasVPCLMULAVX2() }

// updateSums adds p to both, the fastest way that the CPU has: crc is a finished
// CRC-32, as package crc32 keeps it, cksum a register.
func updateSums(crc, cksum uint32, p []byte) (uint32, uint32) {
	switch {
	case hasVPCLMUL():
		return updateSumsVPCLMUL(crc, cksum, p)
	case hasVPCLMUL256():
		return updateSumsVPCLMUL256(crc, cksum, p)
	case hasCLMUL():
		return updateSumsCLMUL(crc, cksum, p)
	}
	return updateSumsGeneric(crc, cksum, p)
}

func updateSumsVPCLMUL(crc, cksum uint32, p []byte) (uint32, uint32) {
	if n := len(p) &^ 255; n != 0 {
		var lanes [2][16]byte
		foldVPCLMUL(&lanes, ^crc, cksum, p[:n])
		crc, cksum = finishLanes(&lanes)
		p = p[n:]
	}
	return updateSumsCLMUL(crc, cksum, p)
}

func updateSumsVPCLMUL256(crc, cksum uint32, p []byte) (uint32, uint32) {
	if n := len(p) &^ 63; n != 0 {
		var lanes [2][16]byte
		foldVPCLMUL256(&lanes, ^crc, cksum, p[:n])
		crc, cksum = finishLanes(&lanes)
		p = p[n:]
	}
	return updateSumsCLMUL(crc, cksum, p)
}

func finishLanes(lanes *[2][16]byte) (crc, cksum uint32) {
	return finishCRC32(&lanes[0]), cksumCLMUL(0, lanes[1][:])
}

// finishCRC32 is the CRC-32 of a lane, from a register of zero. Package crc32
// does the same, but calls through a variable, and so lane would go to the heap.
func finishCRC32(lane *[16]byte) uint32 {
	var register uint32
	for _, b := range lane {
		register = crc32.IEEETable[byte(register)^b] ^ register>>8
	}
	return ^register
}

func updateSumsCLMUL(crc, cksum uint32, p []byte) (uint32, uint32) {
	crc = crc32.Update(crc, crc32.IEEETable, p)
	if n := len(p) &^ 15; n != 0 {
		cksum, p = cksumCLMUL(cksum, p[:n]), p[n:]
	}
	for _, b := range p {
		cksum = stepCksum(cksum, b)
	}
	return crc, cksum
}
