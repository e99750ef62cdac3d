//go:build !noasm

#include "textflag.h"

// SSE2 set.

// func copy16xN(dst *byte, ds int, src *byte, ss, h int)
TEXT ·copy16xN(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ ds+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ ss+24(FP), R9
	MOVQ h+32(FP), CX
	LEAQ (R8)(R8*2), R10
	LEAQ (R9)(R9*2), R11

rows16:
	MOVOU (SI), X0
	MOVOU (SI)(R9*1), X1
	MOVOU (SI)(R9*2), X2
	MOVOU (SI)(R11*1), X3
	MOVOU X0, (DI)
	MOVOU X1, (DI)(R8*1)
	MOVOU X2, (DI)(R8*2)
	MOVOU X3, (DI)(R10*1)
	LEAQ  (SI)(R9*4), SI
	LEAQ  (DI)(R8*4), DI
	SUBQ  $4, CX
	JNZ   rows16
	RET

// func copy8xN(dst *byte, ds int, src *byte, ss, h int)
TEXT ·copy8xN(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ ds+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ ss+24(FP), R9
	MOVQ h+32(FP), CX
	LEAQ (R8)(R8*2), R10
	LEAQ (R9)(R9*2), R11

rows8:
	MOVQ (SI), AX
	MOVQ (SI)(R9*1), BX
	MOVQ (SI)(R9*2), DX
	MOVQ (SI)(R11*1), R12
	MOVQ AX, (DI)
	MOVQ BX, (DI)(R8*1)
	MOVQ DX, (DI)(R8*2)
	MOVQ R12, (DI)(R10*1)
	LEAQ (SI)(R9*4), SI
	LEAQ (DI)(R8*4), DI
	SUBQ $4, CX
	JNZ  rows8
	RET
