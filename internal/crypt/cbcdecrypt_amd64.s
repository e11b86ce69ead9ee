//go:build !purego

#include "textflag.h"

// One round of eight blocks; the key's offset in the schedule.
#define ROUND8(offset) \
	MOVOU  offset(AX), X9 \
	AESDEC X9, X0         \
	AESDEC X9, X1         \
	AESDEC X9, X2         \
	AESDEC X9, X3         \
	AESDEC X9, X4         \
	AESDEC X9, X5         \
	AESDEC X9, X6         \
	AESDEC X9, X7

#define ROUND1(offset) \
	MOVOU  offset(AX), X9 \
	AESDEC X9, X0

// The last round adds its key and the previous block of ciphertext at once.
#define LAST(previous, block) \
	MOVOU      previous(DI), X10 \
	PXOR       X9, X10           \
	AESDECLAST X10, block

// func decryptAESNI(schedule *inverseSchedule, iv *[16]byte, p []byte)
//
// X8 is the block of ciphertext before p, X9 the round's key.
TEXT ·decryptAESNI(SB), NOSPLIT, $0-40
	MOVQ  schedule+0(FP), AX
	MOVQ  iv+8(FP), BX
	MOVQ  p_base+16(FP), DI
	MOVQ  p_len+24(FP), CX
	MOVOU (BX), X8

eight:
	CMPQ CX, $128
	JB   one

	MOVOU 0(DI), X0
	MOVOU 16(DI), X1
	MOVOU 32(DI), X2
	MOVOU 48(DI), X3
	MOVOU 64(DI), X4
	MOVOU 80(DI), X5
	MOVOU 96(DI), X6
	MOVOU 112(DI), X7
	MOVO  X7, X11

	MOVOU (AX), X9
	PXOR  X9, X0
	PXOR  X9, X1
	PXOR  X9, X2
	PXOR  X9, X3
	PXOR  X9, X4
	PXOR  X9, X5
	PXOR  X9, X6
	PXOR  X9, X7
	ROUND8(16)
	ROUND8(32)
	ROUND8(48)
	ROUND8(64)
	ROUND8(80)
	ROUND8(96)
	ROUND8(112)
	ROUND8(128)
	ROUND8(144)

	MOVOU      160(AX), X9
	PXOR       X9, X8
	AESDECLAST X8, X0
	LAST(0, X1)
	LAST(16, X2)
	LAST(32, X3)
	LAST(48, X4)
	LAST(64, X5)
	LAST(80, X6)
	LAST(96, X7)
	MOVO       X11, X8

	MOVOU X0, 0(DI)
	MOVOU X1, 16(DI)
	MOVOU X2, 32(DI)
	MOVOU X3, 48(DI)
	MOVOU X4, 64(DI)
	MOVOU X5, 80(DI)
	MOVOU X6, 96(DI)
	MOVOU X7, 112(DI)
	ADDQ  $128, DI
	SUBQ  $128, CX
	JMP   eight

one:
	TESTQ CX, CX
	JZ    done

	MOVOU (DI), X0
	MOVO  X0, X11
	MOVOU (AX), X9
	PXOR  X9, X0
	ROUND1(16)
	ROUND1(32)
	ROUND1(48)
	ROUND1(64)
	ROUND1(80)
	ROUND1(96)
	ROUND1(112)
	ROUND1(128)
	ROUND1(144)
	MOVOU      160(AX), X9
	PXOR       X9, X8
	AESDECLAST X8, X0
	MOVO       X11, X8
	MOVOU      X0, (DI)
	ADDQ       $16, DI
	SUBQ       $16, CX
	JMP        one

done:
	MOVOU X8, (BX)
	PXOR  X0, X0
	PXOR  X1, X1
	PXOR  X2, X2
	PXOR  X3, X3
	PXOR  X4, X4
	PXOR  X5, X5
	PXOR  X6, X6
	PXOR  X7, X7
	PXOR  X9, X9
	PXOR  X10, X10
	RET

// One round of thirty-two blocks, four in each register.
#define ROUND32(key) \
	VAESDEC key, Z8, Z8   \
	VAESDEC key, Z9, Z9   \
	VAESDEC key, Z10, Z10 \
	VAESDEC key, Z11, Z11 \
	VAESDEC key, Z12, Z12 \
	VAESDEC key, Z13, Z13 \
	VAESDEC key, Z14, Z14 \
	VAESDEC key, Z15, Z15

// The last round of four blocks. VALIGNQ lines up the ciphertext one block
// earlier: the last lane of previous, then three lanes of current.
#define LAST4(previous, current, block) \
	VALIGNQ      $6, previous, current, Z28 \
	VPXORQ       Z26, Z28, Z28              \
	VAESDECLAST  Z28, block, block

// func decryptVAES(schedule *inverseSchedule, iv *[16]byte, p []byte)
//
// Z16 to Z26 are the round keys, in every lane. Z27's last lane is the block
// of ciphertext before p.
TEXT ·decryptVAES(SB), NOSPLIT, $0-40
	MOVQ schedule+0(FP), AX
	MOVQ iv+8(FP), BX
	MOVQ p_base+16(FP), DI
	MOVQ p_len+24(FP), CX

	TESTQ CX, CX
	JZ    nothing

	VBROADCASTI32X4 0(AX), Z16
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

	// The next call's IV, while it is still there.
	VMOVDQU -16(DI)(CX*1), X0
	VMOVDQU X0, (BX)

thirtytwo:
	CMPQ CX, $512
	JB   four

	VMOVDQU64 0(DI), Z0
	VMOVDQU64 64(DI), Z1
	VMOVDQU64 128(DI), Z2
	VMOVDQU64 192(DI), Z3
	VMOVDQU64 256(DI), Z4
	VMOVDQU64 320(DI), Z5
	VMOVDQU64 384(DI), Z6
	VMOVDQU64 448(DI), Z7

	VPXORQ Z16, Z0, Z8
	VPXORQ Z16, Z1, Z9
	VPXORQ Z16, Z2, Z10
	VPXORQ Z16, Z3, Z11
	VPXORQ Z16, Z4, Z12
	VPXORQ Z16, Z5, Z13
	VPXORQ Z16, Z6, Z14
	VPXORQ Z16, Z7, Z15
	ROUND32(Z17)
	ROUND32(Z18)
	ROUND32(Z19)
	ROUND32(Z20)
	ROUND32(Z21)
	ROUND32(Z22)
	ROUND32(Z23)
	ROUND32(Z24)
	ROUND32(Z25)
	LAST4(Z27, Z0, Z8)
	LAST4(Z0, Z1, Z9)
	LAST4(Z1, Z2, Z10)
	LAST4(Z2, Z3, Z11)
	LAST4(Z3, Z4, Z12)
	LAST4(Z4, Z5, Z13)
	LAST4(Z5, Z6, Z14)
	LAST4(Z6, Z7, Z15)
	VMOVDQA64 Z7, Z27

	VMOVDQU64 Z8, 0(DI)
	VMOVDQU64 Z9, 64(DI)
	VMOVDQU64 Z10, 128(DI)
	VMOVDQU64 Z11, 192(DI)
	VMOVDQU64 Z12, 256(DI)
	VMOVDQU64 Z13, 320(DI)
	VMOVDQU64 Z14, 384(DI)
	VMOVDQU64 Z15, 448(DI)
	ADDQ      $512, DI
	SUBQ      $512, CX
	JNZ       thirtytwo
	JMP       done

four:
	// K1 selects the quadwords that are left, at most eight.
	MOVQ    CX, SI
	MOVL    $64, DX
	CMPQ    CX, $64
	CMOVQCC DX, CX
	SUBQ    CX, SI
	SHRQ    $3, CX
	MOVL    $1, DX
	SHLL    CX, DX
	DECL    DX
	KMOVW   DX, K1

	VMOVDQU64.Z (DI), K1, Z0
	VPXORQ      Z16, Z0, Z8
	VAESDEC     Z17, Z8, Z8
	VAESDEC     Z18, Z8, Z8
	VAESDEC     Z19, Z8, Z8
	VAESDEC     Z20, Z8, Z8
	VAESDEC     Z21, Z8, Z8
	VAESDEC     Z22, Z8, Z8
	VAESDEC     Z23, Z8, Z8
	VAESDEC     Z24, Z8, Z8
	VAESDEC     Z25, Z8, Z8
	LAST4(Z27, Z0, Z8)
	VMOVDQA64   Z0, Z27
	VMOVDQU64   Z8, K1, (DI)
	ADDQ        $64, DI
	MOVQ        SI, CX
	TESTQ       CX, CX
	JNZ         four

done:
	// VZEROALL reaches Z0 to Z15 only.
	VPXORQ Z16, Z16, Z16
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
	VPXORQ Z28, Z28, Z28
	VZEROALL

nothing:
	RET
