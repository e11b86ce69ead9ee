//go:build !purego

#include "textflag.h"

// One step of the key schedule (FIPS 197, section 5.2): X0 holds a round key and
// becomes the next one.
#define NEXT_ROUND_KEY(rcon) \
	AESKEYGENASSIST $rcon, X0, X1 \
	PSHUFD $0xff, X1, X1 \
	MOVO   X0, X2        \
	PSLLDQ $4, X2        \
	PXOR   X2, X0        \
	PSLLDQ $4, X2        \
	PXOR   X2, X0        \
	PSLLDQ $4, X2        \
	PXOR   X2, X0        \
	PXOR   X1, X0

// The same, stored for a round of the equivalent inverse cipher (section 5.3.5).
#define NEXT_INVERSE(rcon, offset) \
	NEXT_ROUND_KEY(rcon)  \
	AESIMC X0, X2         \
	MOVOU  X2, offset(DI)

#define NEXT_FORWARD(rcon, offset) \
	NEXT_ROUND_KEY(rcon)  \
	MOVOU  X0, offset(DI)

// func expandInverse(schedule *inverseSchedule, key *Key)
TEXT ·expandInverse(SB), NOSPLIT, $0-16
	MOVQ  schedule+0(FP), DI
	MOVQ  key+8(FP), SI
	MOVOU (SI), X0
	MOVOU X0, 160(DI)
	NEXT_INVERSE(0x01, 144)
	NEXT_INVERSE(0x02, 128)
	NEXT_INVERSE(0x04, 112)
	NEXT_INVERSE(0x08, 96)
	NEXT_INVERSE(0x10, 80)
	NEXT_INVERSE(0x20, 64)
	NEXT_INVERSE(0x40, 48)
	NEXT_INVERSE(0x80, 32)
	NEXT_INVERSE(0x1b, 16)
	NEXT_ROUND_KEY(0x36)
	MOVOU X0, (DI)
	PXOR  X0, X0
	PXOR  X1, X1
	PXOR  X2, X2
	RET

// func expandForward(schedule *schedule, key *Key)
TEXT ·expandForward(SB), NOSPLIT, $0-16
	MOVQ  schedule+0(FP), DI
	MOVQ  key+8(FP), SI
	MOVOU (SI), X0
	MOVOU X0, (DI)
	NEXT_FORWARD(0x01, 16)
	NEXT_FORWARD(0x02, 32)
	NEXT_FORWARD(0x04, 48)
	NEXT_FORWARD(0x08, 64)
	NEXT_FORWARD(0x10, 80)
	NEXT_FORWARD(0x20, 96)
	NEXT_FORWARD(0x40, 112)
	NEXT_FORWARD(0x80, 128)
	NEXT_FORWARD(0x1b, 144)
	NEXT_FORWARD(0x36, 160)
	PXOR  X0, X0
	PXOR  X1, X1
	PXOR  X2, X2
	RET
