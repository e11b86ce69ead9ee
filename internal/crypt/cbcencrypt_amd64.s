//go:build !purego

#include "textflag.h"

// func encryptAESNI(schedule *schedule, iv *[16]byte, dst, src []byte)
//
// X0 is the block in work, X5 to X15 are the round keys. Each block waits for
// the one before: only the first sum is off the chain.
TEXT ·encryptAESNI(SB), NOSPLIT, $0-64
	MOVQ  schedule+0(FP), AX
	MOVQ  iv+8(FP), BX
	MOVQ  dst_base+16(FP), DI
	MOVQ  src_base+40(FP), SI
	MOVQ  src_len+48(FP), CX
	MOVOU (BX), X0
	MOVOU 0(AX), X5
	MOVOU 16(AX), X6
	MOVOU 32(AX), X7
	MOVOU 48(AX), X8
	MOVOU 64(AX), X9
	MOVOU 80(AX), X10
	MOVOU 96(AX), X11
	MOVOU 112(AX), X12
	MOVOU 128(AX), X13
	MOVOU 144(AX), X14
	MOVOU 160(AX), X15
	JMP   next

block:
	MOVOU      (SI), X1
	PXOR       X5, X1
	PXOR       X1, X0
	AESENC     X6, X0
	AESENC     X7, X0
	AESENC     X8, X0
	AESENC     X9, X0
	AESENC     X10, X0
	AESENC     X11, X0
	AESENC     X12, X0
	AESENC     X13, X0
	AESENC     X14, X0
	AESENCLAST X15, X0
	MOVOU      X0, (DI)
	ADDQ       $16, SI
	ADDQ       $16, DI
	SUBQ       $16, CX

next:
	TESTQ CX, CX
	JNZ   block
	MOVOU X0, (BX)
	PXOR  X1, X1
	PXOR  X5, X5
	PXOR  X6, X6
	PXOR  X7, X7
	PXOR  X8, X8
	PXOR  X9, X9
	PXOR  X10, X10
	PXOR  X11, X11
	PXOR  X12, X12
	PXOR  X13, X13
	PXOR  X14, X14
	PXOR  X15, X15
	RET
