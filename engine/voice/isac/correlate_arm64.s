//go:build !noasm

#include "textflag.h"

// func correlateKernel(dst, x, y *float64, n, lags int)
// Lanes are lags: 16 at a time, then 8. The assembler has no vector FMUL and FADD.
TEXT ·correlateKernel(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD y+16(FP), R2
	MOVD n+24(FP), R3
	MOVD lags+32(FP), R4

sixteen:
	CMP  $16, R4
	BLT  eight
	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16
	VEOR V4.B16, V4.B16, V4.B16
	VEOR V5.B16, V5.B16, V5.B16
	VEOR V6.B16, V6.B16, V6.B16
	VEOR V7.B16, V7.B16, V7.B16
	MOVD R1, R5
	MOVD R2, R6
	MOVD R3, R7

sixteenLoop:
	FMOVD.P 8(R5), F24
	ADD     $64, R6, R8
	VLD1    (R6), [V16.D2, V17.D2, V18.D2, V19.D2]
	VLD1    (R8), [V20.D2, V21.D2, V22.D2, V23.D2]
	ADD     $8, R6
	WORD $0x4fd89210 // fmul v16.2d, v16.2d, v24.d[0]
	WORD $0x4fd89231 // fmul v17.2d, v17.2d, v24.d[0]
	WORD $0x4fd89252 // fmul v18.2d, v18.2d, v24.d[0]
	WORD $0x4fd89273 // fmul v19.2d, v19.2d, v24.d[0]
	WORD $0x4fd89294 // fmul v20.2d, v20.2d, v24.d[0]
	WORD $0x4fd892b5 // fmul v21.2d, v21.2d, v24.d[0]
	WORD $0x4fd892d6 // fmul v22.2d, v22.2d, v24.d[0]
	WORD $0x4fd892f7 // fmul v23.2d, v23.2d, v24.d[0]
	WORD $0x4e70d400 // fadd v0.2d, v0.2d, v16.2d
	WORD $0x4e71d421 // fadd v1.2d, v1.2d, v17.2d
	WORD $0x4e72d442 // fadd v2.2d, v2.2d, v18.2d
	WORD $0x4e73d463 // fadd v3.2d, v3.2d, v19.2d
	WORD $0x4e74d484 // fadd v4.2d, v4.2d, v20.2d
	WORD $0x4e75d4a5 // fadd v5.2d, v5.2d, v21.2d
	WORD $0x4e76d4c6 // fadd v6.2d, v6.2d, v22.2d
	WORD $0x4e77d4e7 // fadd v7.2d, v7.2d, v23.2d
	SUBS    $1, R7
	BNE     sixteenLoop
	VST1.P  [V0.D2, V1.D2, V2.D2, V3.D2], 64(R0)
	VST1.P  [V4.D2, V5.D2, V6.D2, V7.D2], 64(R0)
	ADD     $128, R2
	SUB     $16, R4
	B       sixteen

eight:
	CBZ R4, done
	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16

eightLoop:
	FMOVD.P 8(R1), F24
	VLD1    (R2), [V16.D2, V17.D2, V18.D2, V19.D2]
	ADD     $8, R2
	WORD $0x4fd89210 // fmul v16.2d, v16.2d, v24.d[0]
	WORD $0x4fd89231 // fmul v17.2d, v17.2d, v24.d[0]
	WORD $0x4fd89252 // fmul v18.2d, v18.2d, v24.d[0]
	WORD $0x4fd89273 // fmul v19.2d, v19.2d, v24.d[0]
	WORD $0x4e70d400 // fadd v0.2d, v0.2d, v16.2d
	WORD $0x4e71d421 // fadd v1.2d, v1.2d, v17.2d
	WORD $0x4e72d442 // fadd v2.2d, v2.2d, v18.2d
	WORD $0x4e73d463 // fadd v3.2d, v3.2d, v19.2d
	SUBS    $1, R3
	BNE     eightLoop
	VST1    [V0.D2, V1.D2, V2.D2, V3.D2], (R0)

done:
	RET
