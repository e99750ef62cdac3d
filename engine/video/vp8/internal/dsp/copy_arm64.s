//go:build !noasm

#include "textflag.h"

// NEON set.

// func copy16xN(dst *byte, ds int, src *byte, ss, h int)
TEXT ·copy16xN(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD ds+8(FP), R1
	MOVD src+16(FP), R2
	MOVD ss+24(FP), R3
	MOVD h+32(FP), R4

rows16:
	VLD1.P (R2)(R3), [V0.B16]
	VLD1.P (R2)(R3), [V1.B16]
	VLD1.P (R2)(R3), [V2.B16]
	VLD1.P (R2)(R3), [V3.B16]
	VST1.P [V0.B16], (R0)(R1)
	VST1.P [V1.B16], (R0)(R1)
	VST1.P [V2.B16], (R0)(R1)
	VST1.P [V3.B16], (R0)(R1)
	SUBS   $4, R4
	BNE    rows16
	RET

// func copy8xN(dst *byte, ds int, src *byte, ss, h int)
TEXT ·copy8xN(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD ds+8(FP), R1
	MOVD src+16(FP), R2
	MOVD ss+24(FP), R3
	MOVD h+32(FP), R4

rows8:
	VLD1.P (R2)(R3), [V0.B8]
	VLD1.P (R2)(R3), [V1.B8]
	VLD1.P (R2)(R3), [V2.B8]
	VLD1.P (R2)(R3), [V3.B8]
	VST1.P [V0.B8], (R0)(R1)
	VST1.P [V1.B8], (R0)(R1)
	VST1.P [V2.B8], (R0)(R1)
	VST1.P [V3.B8], (R0)(R1)
	SUBS   $4, R4
	BNE    rows8
	RET
