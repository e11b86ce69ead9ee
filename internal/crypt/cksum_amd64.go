//go:build !purego

package crypt

import "golang.org/x/sys/cpu"

// The constants of the kernels, each a remainder modulo the polynomial P or a
// quotient by it. The names give the distance in bits, a pair the factors
// for the lower and the upper half of a lane.
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

	reverseBytes = [16]byte{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}
)

// cksumCLMUL adds p to the register by carry-less multiplication, without table. len(p) is a
// positive multiple of 16.
//
//go:noescape
func cksumCLMUL(register uint32, p []byte) uint32

// foldVPCLMUL makes a lane of 16 bytes that changes a register of zero to
// what register becomes after p. len(p) is a positive multiple of 256.
//
//go:noescape
func foldVPCLMUL(lane *[16]byte, register uint32, p []byte)

// hasCLMUL says whether cksumCLMUL can run here.
func hasCLMUL() bool { return cpu.X86.HasPCLMULQDQ && cpu.X86.HasSSSE3 }

// hasVPCLMUL says whether foldVPCLMUL can run here, with cksumCLMUL after it.
func hasVPCLMUL() bool {
	return hasCLMUL() && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL &&
		cpu.X86.HasAVX512VPCLMULQDQ
}

// updateCksum adds p to the register, the fastest way that the CPU has.
func updateCksum(register uint32, p []byte) uint32 {
	switch {
	case hasVPCLMUL():
		return updateCksumVPCLMUL(register, p)
	case hasCLMUL():
		return updateCksumCLMUL(register, p)
	}
	return updateCksumGeneric(register, p)
}

func updateCksumVPCLMUL(register uint32, p []byte) uint32 {
	if n := len(p) &^ 255; n != 0 {
		var lane [16]byte
		foldVPCLMUL(&lane, register, p[:n])
		register, p = cksumCLMUL(0, lane[:]), p[n:]
	}
	return updateCksumCLMUL(register, p)
}

func updateCksumCLMUL(register uint32, p []byte) uint32 {
	if n := len(p) &^ 15; n != 0 {
		register, p = cksumCLMUL(register, p[:n]), p[n:]
	}
	for _, b := range p {
		register = stepCksum(register, b)
	}
	return register
}
