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
// Polynomials Using PCLMULQDQ Instruction", Intel, 2009.

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

// Moves four lanes by the distance of Z8 and adds those loaded from address there.
// 0x96 is the truth table of a three-way sum.
#define FOLD4(lanes, address) \
	VPCLMULQDQ $0x00, Z8, lanes, Z6 \
	VPCLMULQDQ $0x11, Z8, lanes, Z7 \
	VMOVDQU64  address, lanes       \
	VPSHUFB    Z9, lanes, lanes     \
	VPTERNLOGQ $0x96, Z6, Z7, lanes

// Moves Z0 by the distance of Z8 and adds lanes.
#define GATHER4(lanes) \
	VPCLMULQDQ $0x00, Z8, Z0, Z6    \
	VPCLMULQDQ $0x11, Z8, Z0, Z0    \
	VPTERNLOGQ $0x96, Z6, lanes, Z0

// func foldVPCLMUL(lane *[16]byte, register uint32, p []byte)
TEXT ·foldVPCLMUL(SB), NOSPLIT, $0-40
	MOVQ lane+0(FP), DI
	MOVL register+8(FP), AX
	MOVQ p_base+16(FP), SI
	MOVQ p_len+24(FP), CX

	VBROADCASTI32X4 ·reverseBytes(SB), Z9
	VBROADCASTI32X4 ·foldBy2048(SB), Z8

	VMOVDQU64 0(SI), Z0
	VMOVDQU64 64(SI), Z1
	VMOVDQU64 128(SI), Z2
	VMOVDQU64 192(SI), Z3
	VPSHUFB   Z9, Z0, Z0
	VPSHUFB   Z9, Z1, Z1
	VPSHUFB   Z9, Z2, Z2
	VPSHUFB   Z9, Z3, Z3

	// The register belongs to the first four bytes.
	VMOVQ   AX, X6
	VPSLLDQ $12, X6, X6
	VPXORQ  Z6, Z0, Z0
	JMP     next

fold:
	FOLD4(Z0, 0(SI))
	FOLD4(Z1, 64(SI))
	FOLD4(Z2, 128(SI))
	FOLD4(Z3, 192(SI))

next:
	ADDQ $256, SI
	SUBQ $256, CX
	JNZ  fold

	VBROADCASTI32X4 ·foldBy512(SB), Z8
	GATHER4(Z1)
	GATHER4(Z2)
	GATHER4(Z3)

	// Each lane to the place of the last, which has a factor of zero and is added as it is.
	VMOVDQU64     ·foldLanes(SB), Z8
	VPCLMULQDQ    $0x00, Z8, Z0, Z6
	VPCLMULQDQ    $0x11, Z8, Z0, Z7
	VPXORQ        Z6, Z7, Z7
	VEXTRACTI32X4 $3, Z0, X0
	VEXTRACTI32X4 $1, Z7, X1
	VEXTRACTI32X4 $2, Z7, X2
	VPXORQ        Z7, Z0, Z0
	VPXORQ        Z1, Z2, Z2
	VPXORQ        Z2, Z0, Z0
	VPSHUFB       X9, X0, X0
	VMOVDQU       X0, (DI)
	VZEROUPPER
	RET
