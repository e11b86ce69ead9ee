//go:build !purego

#include "textflag.h"

// What checksum_amd64.s says of lanes and of moving them holds here too.

// Moves two lanes by the distance of factors and adds data.
#define FOLD2(lanes, factors, data) \
	VPCLMULQDQ $0x11, factors, lanes, Y6    \
	VPCLMULQDQ $0x00, factors, lanes, lanes \
	VPXOR      data, Y6, Y6                 \
	VPXOR      Y6, lanes, lanes

// Does so for both checksums with the 32 bytes at address.
#define FOLD32(address, crc32, cksum) \
	VMOVDQU address, Y4     \
	VPSHUFB Y7, Y4, Y5      \
	FOLD2(crc32, Y8, Y4)    \
	FOLD2(cksum, Y9, Y5)

// Moves the four lanes of low and high to the place of the last and adds them all up. The
// last lane has factors of zero and is added as it is.
#define JOIN4(low, high, factors, sum) \
	VEXTRACTI128 $1, high, sum         \
	VMOVDQU      factors+0(SB), Y4     \
	VPCLMULQDQ   $0x00, Y4, low, Y5    \
	VPCLMULQDQ   $0x11, Y4, low, Y6    \
	VPXOR        Y5, Y6, Y6            \
	VMOVDQU      factors+32(SB), Y4    \
	VPCLMULQDQ   $0x00, Y4, high, Y5   \
	VPXOR        Y5, Y6, Y6            \
	VPCLMULQDQ   $0x11, Y4, high, Y5   \
	VPXOR        Y5, Y6, Y6            \
	VEXTRACTI128 $1, Y6, X5            \
	VPXOR        X5, X6, X6            \
	VPXOR        X6, sum, sum

// func foldVPCLMUL256(lanes *[2][16]byte, crc32, cksum uint32, p []byte)
//
// Y0 and Y1 are the lanes of CRC-32, Y2 and Y3 those of cksum.
TEXT ·foldVPCLMUL256(SB), NOSPLIT, $0-40
	MOVQ lanes+0(FP), DI
	MOVL crc32+8(FP), AX
	MOVL cksum+12(FP), BX
	MOVQ p_base+16(FP), SI
	MOVQ p_len+24(FP), CX

	VBROADCASTI128 ·reverseBytes(SB), Y7
	VBROADCASTI128 ·foldReflectedBy512(SB), Y8
	VBROADCASTI128 ·foldBy512(SB), Y9

	VMOVDQU 0(SI), Y0
	VMOVDQU 32(SI), Y1
	VPSHUFB Y7, Y0, Y2
	VPSHUFB Y7, Y1, Y3

	// The registers belong to the first four bytes.
	VMOVQ   AX, X4
	VPXOR   Y4, Y0, Y0
	VMOVQ   BX, X5
	VPSLLDQ $12, X5, X5
	VPXOR   Y5, Y2, Y2
	JMP     next

fold:
	FOLD32(0(SI), Y0, Y2)
	FOLD32(32(SI), Y1, Y3)

next:
	ADDQ $64, SI
	SUBQ $64, CX
	JNZ  fold

	JOIN4(Y0, Y1, ·foldReflectedLanes, X8)
	JOIN4(Y2, Y3, ·foldLanes, X9)
	VPSHUFB X7, X9, X9
	VMOVDQU X8, 0(DI)
	VMOVDQU X9, 16(DI)
	VZEROUPPER
	RET
