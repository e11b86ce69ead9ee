//go:build !purego

#include "textflag.h"

// Decryption and both checksums in one pass: the plaintext is folded while it is in
// registers, and the units for AES and for carry-less multiplication work at the same
// time. cbcdecrypt_amd64.s and checksum_amd64.s have each alone, and say how they work.

// One round of thirty-two blocks, four in each register.
#define ROUND32(key) \
	VAESDEC key, Z0, Z0 \
	VAESDEC key, Z1, Z1 \
	VAESDEC key, Z2, Z2 \
	VAESDEC key, Z3, Z3 \
	VAESDEC key, Z4, Z4 \
	VAESDEC key, Z5, Z5 \
	VAESDEC key, Z6, Z6 \
	VAESDEC key, Z7, Z7

// The last round adds its key and the previous four blocks of ciphertext at once.
#define LAST4(previous, blocks) \
	VPXORQ      previous(DI), Z26, Z28 \
	VAESDECLAST Z28, blocks, blocks

// Moves four lanes by the distance of factors and adds data. 0x96 is the truth
// table of a three-way sum.
#define FOLD4(lanes, factors, data) \
	VPCLMULQDQ $0x11, factors, lanes, Z29   \
	VPCLMULQDQ $0x00, factors, lanes, lanes \
	VPTERNLOGQ $0x96, Z29, data, lanes

// Stores four blocks of plaintext and folds them into both checksums.
#define STORE4(blocks, offset, crc32, cksum) \
	VMOVDQU64 blocks, offset(DI)      \
	VPSHUFB   Z16, blocks, Z28        \
	FOLD4(crc32, Z30, blocks)         \
	FOLD4(cksum, Z31, Z28)

// Moves each lane to the place of the last and adds them all up. The last lane has factors of zero and is added as it is.
#define JOIN(lanes, factors, sum) \
	VPCLMULQDQ    $0x00, factors, lanes, Z0 \
	VPCLMULQDQ    $0x11, factors, lanes, Z1 \
	VPXORQ        Z0, Z1, Z1                \
	VEXTRACTI32X4 $3, lanes, sum            \
	VEXTRACTI32X4 $1, Z1, X2                \
	VEXTRACTI32X4 $2, Z1, X3                \
	VPTERNLOGQ    $0x96, X1, X2, sum        \
	VPXORQ        X3, sum, sum

// func openVAES(schedule *schedule, iv *[16]byte, lanes *[2][16]byte, crc32, cksum uint32, p []byte)
//
// Z0 to Z7 are the blocks, Z8 to Z11 the lanes of CRC-32, Z12 to Z15 those of cksum. Z17 to
// Z26 are the round keys but the first, in every lane. Z27's last lane is the block of
// ciphertext before p.
TEXT ·openVAES(SB), NOSPLIT, $0-56
	MOVQ schedule+0(FP), AX
	MOVQ iv+8(FP), BX
	MOVQ lanes+16(FP), DX
	MOVL crc32+24(FP), R8
	MOVL cksum+28(FP), R9
	MOVQ p_base+32(FP), DI
	MOVQ p_len+40(FP), CX

	VBROADCASTI32X4 ·reverseBytes(SB), Z16
	VBROADCASTI32X4 16(AX), Z17
	VBROADCASTI32X4 32(AX), Z18
	VBROADCASTI32X4 48(AX), Z19
	VBROADCASTI32X4 64(AX), Z20
	VBROADCASTI32X4 80(AX), Z21
	VBROADCASTI32X4 96(AX), Z22
	VBROADCASTI32X4 112(AX), Z23
	VBROADCASTI32X4 128(AX), Z24
	VBROADCASTI32X4 144(AX), Z25
	VBROADCASTI32X4 160(AX), Z26
	VBROADCASTI32X4 (BX), Z27
	VBROADCASTI32X4 ·foldReflectedBy2048(SB), Z30
	VBROADCASTI32X4 ·foldBy2048(SB), Z31

	// The next call's IV, while it is still there.
	VMOVDQU -16(DI)(CX*1), X0
	VMOVDQU X0, (BX)

	// What was before p is one lane, which leaves the registers as they are now behind it.
	VPXORQ       Z8, Z8, Z8
	VPXORQ       Z9, Z9, Z9
	VPXORQ       Z10, Z10, Z10
	VPXORQ       Z12, Z12, Z12
	VPXORQ       Z13, Z13, Z13
	VPXORQ       Z14, Z14, Z14
	VMOVQ        R8, X0
	VMOVQ        R9, X1
	VMOVDQU      ·unfold(SB), X2
	VPSLLQ       $32, X0, X0
	VPCLMULQDQ   $0x00, X2, X0, X0
	VPCLMULQDQ   $0x10, X2, X1, X1
	VINSERTI32X4 $3, X0, Z8, Z11
	VINSERTI32X4 $3, X1, Z12, Z15

thirtytwo:
	VBROADCASTI32X4 (AX), Z28
	VMOVDQU64       (DI), Z29
	VALIGNQ         $6, Z27, Z29, Z27
	VPXORQ          Z29, Z28, Z0
	VPXORQ          64(DI), Z28, Z1
	VPXORQ          128(DI), Z28, Z2
	VPXORQ          192(DI), Z28, Z3
	VPXORQ          256(DI), Z28, Z4
	VPXORQ          320(DI), Z28, Z5
	VPXORQ          384(DI), Z28, Z6
	VPXORQ          448(DI), Z28, Z7
	ROUND32(Z17)
	ROUND32(Z18)
	ROUND32(Z19)
	ROUND32(Z20)
	ROUND32(Z21)
	ROUND32(Z22)
	ROUND32(Z23)
	ROUND32(Z24)
	ROUND32(Z25)
	VPXORQ          Z26, Z27, Z27
	VAESDECLAST     Z27, Z0, Z0
	VMOVDQU64       448(DI), Z27
	LAST4(48, Z1)
	LAST4(112, Z2)
	LAST4(176, Z3)
	LAST4(240, Z4)
	LAST4(304, Z5)
	LAST4(368, Z6)
	LAST4(432, Z7)

	STORE4(Z0, 0, Z8, Z12)
	STORE4(Z1, 64, Z9, Z13)
	STORE4(Z2, 128, Z10, Z14)
	STORE4(Z3, 192, Z11, Z15)
	STORE4(Z4, 256, Z8, Z12)
	STORE4(Z5, 320, Z9, Z13)
	STORE4(Z6, 384, Z10, Z14)
	STORE4(Z7, 448, Z11, Z15)
	ADDQ $512, DI
	SUBQ $512, CX
	JNZ  thirtytwo

	VBROADCASTI32X4 ·foldReflectedBy512(SB), Z30
	VBROADCASTI32X4 ·foldBy512(SB), Z31
	FOLD4(Z8, Z30, Z9)
	FOLD4(Z8, Z30, Z10)
	FOLD4(Z8, Z30, Z11)
	FOLD4(Z12, Z31, Z13)
	FOLD4(Z12, Z31, Z14)
	FOLD4(Z12, Z31, Z15)

	VMOVDQU64 ·foldReflectedLanes(SB), Z30
	VMOVDQU64 ·foldLanes(SB), Z31
	JOIN(Z8, Z30, X4)
	JOIN(Z12, Z31, X5)
	VPSHUFB   X16, X5, X5
	VMOVDQU   X4, 0(DX)
	VMOVDQU   X5, 16(DX)

	// VZEROALL reaches Z0 to Z15 only.
	VPXORQ Z17, Z17, Z17
	VPXORQ Z18, Z18, Z18
	VPXORQ Z19, Z19, Z19
	VPXORQ Z20, Z20, Z20
	VPXORQ Z21, Z21, Z21
	VPXORQ Z22, Z22, Z22
	VPXORQ Z23, Z23, Z23
	VPXORQ Z24, Z24, Z24
	VPXORQ Z25, Z25, Z25
	VPXORQ Z26, Z26, Z26
	VPXORQ Z27, Z27, Z27
	VPXORQ Z28, Z28, Z28
	VPXORQ Z29, Z29, Z29
	VZEROALL
	RET
