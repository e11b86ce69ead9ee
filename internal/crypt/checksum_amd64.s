//go:build !purego

#include "textflag.h"

// The message is a polynomial over GF(2), its first bit the highest power. A
// register lane holds 128 of its bits, reversed byte by byte so that the first
// bit is the highest; X = H·x^64 + L. As the remainder is all that counts, a lane
// moves d bits towards the end by
//
//	X·x^d ≡ H·(x^(d+64) mod P) + L·(x^d mod P)
//
// which fits in 128 bits again: Gopal et al., "Fast CRC Computation for Generic
// Polynomials Using PCLMULQDQ Instruction", Intel, 2009. CRC-32 has the first bit
// in the lowest place instead, so its lanes are as they come from memory, L before H;
// its factors are reversed, and for one power less, as the product of two
// reversed polynomials of 64 bits comes out multiplied by x.

// Moves lane by the distance of X8 and adds the lane loaded from address there.
#define FOLD(lane, address) \
	MOVO      lane, X7         \
	PCLMULQDQ $0x00, X8, lane  \
	PCLMULQDQ $0x11, X8, X7    \
	MOVOU     address, X6      \
	PSHUFB    X9, X6           \
	PXOR      X7, lane         \
	PXOR      X6, lane

// Moves X0 by the distance of X8 and adds lane.
#define GATHER(lane) \
	MOVO      X0, X7        \
	PCLMULQDQ $0x00, X8, X0 \
	PCLMULQDQ $0x11, X8, X7 \
	PXOR      X7, X0        \
	PXOR      lane, X0

// func cksumCLMUL(register uint32, p []byte) uint32
TEXT ·cksumCLMUL(SB), NOSPLIT, $0-36
	MOVL   register+0(FP), AX
	MOVQ   p_base+8(FP), SI
	MOVQ   p_len+16(FP), CX
	MOVOU  ·reverseBytes(SB), X9

	// The register belongs to the first four bytes.
	MOVOU  (SI), X0
	PSHUFB X9, X0
	MOVQ   AX, X7
	PSLLDQ $12, X7
	PXOR   X7, X0
	ADDQ   $16, SI
	SUBQ   $16, CX

	CMPQ   CX, $48
	JB     gathered
	MOVOU  0(SI), X1
	MOVOU  16(SI), X2
	MOVOU  32(SI), X3
	PSHUFB X9, X1
	PSHUFB X9, X2
	PSHUFB X9, X3
	ADDQ   $48, SI
	SUBQ   $48, CX
	MOVOU  ·foldBy512(SB), X8

sixtyfour:
	CMPQ CX, $64
	JB   gather
	FOLD(X0, 0(SI))
	FOLD(X1, 16(SI))
	FOLD(X2, 32(SI))
	FOLD(X3, 48(SI))
	ADDQ $64, SI
	SUBQ $64, CX
	JMP  sixtyfour

gather:
	MOVOU ·foldBy128(SB), X8
	GATHER(X1)
	GATHER(X2)
	GATHER(X3)

gathered:
	MOVOU ·foldBy128(SB), X8

sixteen:
	CMPQ CX, $16
	JB   reduce
	FOLD(X0, 0(SI))
	ADDQ $16, SI
	SUBQ $16, CX
	JMP  sixteen

reduce:
	// The register is X·x^32 mod P. First H·x^96 + L·x^32, 96 bits,
	MOVOU     ·foldTo64(SB), X8
	MOVO      X0, X1
	PCLMULQDQ $0x01, X8, X1
	PSLLDQ    $8, X0
	PSRLDQ    $4, X0
	PXOR      X1, X0

	// then its highest 32 bits times x^64, added to the others: 64 bits.
	MOVO      X0, X1
	PCLMULQDQ $0x11, X8, X1
	PXOR      X0, X1

	// Barrett: q = (U / x^32)·floor(x^64 / P) / x^32 is U's quotient by P.
	MOVOU     ·barrett(SB), X8
	MOVO      X1, X0
	PSRLQ     $32, X0
	PCLMULQDQ $0x00, X8, X0
	PSRLQ     $32, X0
	PCLMULQDQ $0x10, X8, X0
	PXOR      X1, X0
	MOVQ      X0, AX
	MOVL      AX, ret+32(FP)
	RET

// Moves four lanes by the distance of factors and adds data. 0x96 is the truth
// table of a three-way sum.
#define FOLD4(lanes, factors, data) \
	VPCLMULQDQ $0x11, factors, lanes, Z10   \
	VPCLMULQDQ $0x00, factors, lanes, lanes \
	VPTERNLOGQ $0x96, Z10, data, lanes

// Does so for both checksums with the 64 bytes at address.
#define FOLD64(address, crc32, cksum) \
	VMOVDQU64 address, Z8   \
	VPSHUFB   Z16, Z8, Z9   \
	FOLD4(crc32, Z17, Z8)   \
	FOLD4(cksum, Z18, Z9)

// Moves each lane to the place of the last and adds them all up. The last lane has factors of zero and is added as it is.
#define JOIN(lanes, factors, sum) \
	VPCLMULQDQ    $0x00, factors, lanes, Z8 \
	VPCLMULQDQ    $0x11, factors, lanes, Z9 \
	VPXORQ        Z8, Z9, Z9                \
	VEXTRACTI32X4 $3, lanes, sum            \
	VEXTRACTI32X4 $1, Z9, X10               \
	VEXTRACTI32X4 $2, Z9, X11               \
	VPTERNLOGQ    $0x96, X9, X10, sum       \
	VPXORQ        X11, sum, sum

// func foldVPCLMUL(lanes *[2][16]byte, crc32, cksum uint32, p []byte)
//
// Z0 to Z3 are the lanes of CRC-32, Z4 to Z7 those of cksum.
TEXT ·foldVPCLMUL(SB), NOSPLIT, $0-40
	MOVQ lanes+0(FP), DI
	MOVL crc32+8(FP), AX
	MOVL cksum+12(FP), BX
	MOVQ p_base+16(FP), SI
	MOVQ p_len+24(FP), CX

	VBROADCASTI32X4 ·reverseBytes(SB), Z16
	VBROADCASTI32X4 ·foldReflectedBy2048(SB), Z17
	VBROADCASTI32X4 ·foldBy2048(SB), Z18

	VMOVDQU64 0(SI), Z0
	VMOVDQU64 64(SI), Z1
	VMOVDQU64 128(SI), Z2
	VMOVDQU64 192(SI), Z3
	VPSHUFB   Z16, Z0, Z4
	VPSHUFB   Z16, Z1, Z5
	VPSHUFB   Z16, Z2, Z6
	VPSHUFB   Z16, Z3, Z7

	// The registers belong to the first four bytes.
	VMOVQ   AX, X8
	VPXORQ  Z8, Z0, Z0
	VMOVQ   BX, X9
	VPSLLDQ $12, X9, X9
	VPXORQ  Z9, Z4, Z4
	JMP     next

fold:
	FOLD64(0(SI), Z0, Z4)
	FOLD64(64(SI), Z1, Z5)
	FOLD64(128(SI), Z2, Z6)
	FOLD64(192(SI), Z3, Z7)

next:
	ADDQ $256, SI
	SUBQ $256, CX
	JNZ  fold

	VBROADCASTI32X4 ·foldReflectedBy512(SB), Z17
	VBROADCASTI32X4 ·foldBy512(SB), Z18
	FOLD4(Z0, Z17, Z1)
	FOLD4(Z0, Z17, Z2)
	FOLD4(Z0, Z17, Z3)
	FOLD4(Z4, Z18, Z5)
	FOLD4(Z4, Z18, Z6)
	FOLD4(Z4, Z18, Z7)

	VMOVDQU64 ·foldReflectedLanes(SB), Z17
	VMOVDQU64 ·foldLanes(SB), Z18
	JOIN(Z0, Z17, X1)
	JOIN(Z4, Z18, X5)
	VPSHUFB   X16, X5, X5
	VMOVDQU   X1, 0(DI)
	VMOVDQU   X5, 16(DI)
	VZEROUPPER
	RET
