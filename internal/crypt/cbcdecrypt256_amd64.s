//go:build !purego

#include "textflag.h"

// One round of sixteen blocks, two in each register; the key's offset in the schedule.
#define ROUND16(offset) \
	VBROADCASTI128 offset(AX), Y8 \
	VAESDEC        Y8, Y0, Y0     \
	VAESDEC        Y8, Y1, Y1     \
	VAESDEC        Y8, Y2, Y2     \
	VAESDEC        Y8, Y3, Y3     \
	VAESDEC        Y8, Y4, Y4     \
	VAESDEC        Y8, Y5, Y5     \
	VAESDEC        Y8, Y6, Y6     \
	VAESDEC        Y8, Y7, Y7

// The last round adds its key and the previous two blocks of ciphertext at once.
#define LAST2(previous, blocks) \
	VPXOR       previous(DI), Y8, Y9 \
	VAESDECLAST Y9, blocks, blocks

// func decryptVAES256(schedule *schedule, iv *[16]byte, p []byte)
//
// X10 is the block of ciphertext before p, Y8 the round's key.
TEXT ·decryptVAES256(SB), NOSPLIT, $0-40
	MOVQ    schedule+0(FP), AX
	MOVQ    iv+8(FP), BX
	MOVQ    p_base+16(FP), DI
	MOVQ    p_len+24(FP), CX
	VMOVDQU (BX), X10
	TESTQ   CX, CX
	JZ      done

sixteen:
	VINSERTI128 $1, (DI), Y10, Y9
	VMOVDQU     240(DI), X10

	VBROADCASTI128 (AX), Y8
	VPXOR          0(DI), Y8, Y0
	VPXOR          32(DI), Y8, Y1
	VPXOR          64(DI), Y8, Y2
	VPXOR          96(DI), Y8, Y3
	VPXOR          128(DI), Y8, Y4
	VPXOR          160(DI), Y8, Y5
	VPXOR          192(DI), Y8, Y6
	VPXOR          224(DI), Y8, Y7
	ROUND16(16)
	ROUND16(32)
	ROUND16(48)
	ROUND16(64)
	ROUND16(80)
	ROUND16(96)
	ROUND16(112)
	ROUND16(128)
	ROUND16(144)

	VBROADCASTI128 160(AX), Y8
	VPXOR          Y8, Y9, Y9
	VAESDECLAST    Y9, Y0, Y0
	LAST2(16, Y1)
	LAST2(48, Y2)
	LAST2(80, Y3)
	LAST2(112, Y4)
	LAST2(144, Y5)
	LAST2(176, Y6)
	LAST2(208, Y7)

	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, 64(DI)
	VMOVDQU Y3, 96(DI)
	VMOVDQU Y4, 128(DI)
	VMOVDQU Y5, 160(DI)
	VMOVDQU Y6, 192(DI)
	VMOVDQU Y7, 224(DI)
	ADDQ    $256, DI
	SUBQ    $256, CX
	JNZ     sixteen

done:
	VMOVDQU  X10, (BX)
	VZEROALL
	RET
