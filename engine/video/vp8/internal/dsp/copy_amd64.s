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

// Four rows of a strip of 16 or, with Y registers, 32 columns.
#define STRIP(MOVE, A, B, C, D) \
	MOVE (SI), A; \
	MOVE (SI)(R9*1), B; \
	MOVE (SI)(R9*2), C; \
	MOVE (SI)(R11*1), D; \
	MOVE A, (DI); \
	MOVE B, (DI)(R8*1); \
	MOVE C, (DI)(R8*2); \
	MOVE D, (DI)(R10*1); \
	LEAQ (SI)(R9*4), SI; \
	LEAQ (DI)(R8*4), DI; \
	SUBQ $4, CX

// func copyRun(dst *byte, ds int, src *byte, ss, w, h int)
// Strip by strip; w is a multiple of 8, h of 4.
TEXT ·copyRun(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), R12
	MOVQ ds+8(FP), R8
	MOVQ src+16(FP), R13
	MOVQ ss+24(FP), R9
	MOVQ w+32(FP), DX
	MOVQ h+40(FP), BX
	LEAQ (R8)(R8*2), R10
	LEAQ (R9)(R9*2), R11
	CMPB ·useWide(SB), $0
	JEQ  run16

run32:
	SUBQ $32, DX
	JLT  run32done
	MOVQ R13, SI
	MOVQ R12, DI
	MOVQ BX, CX

run32rows:
	STRIP(VMOVDQU, Y0, Y1, Y2, Y3)
	JNZ  run32rows
	ADDQ $32, R13
	ADDQ $32, R12
	JMP  run32

run32done:
	VZEROUPPER
	ADDQ $32, DX

run16:
	SUBQ $16, DX
	JLT  run8
	MOVQ R13, SI
	MOVQ R12, DI
	MOVQ BX, CX

run16rows:
	STRIP(MOVOU, X0, X1, X2, X3)
	JNZ  run16rows
	ADDQ $16, R13
	ADDQ $16, R12
	JMP  run16

run8:
	CMPQ DX, $-8
	JNE  runDone
	MOVQ R13, SI
	MOVQ R12, DI
	MOVQ BX, CX

run8rows:
	STRIP(MOVQ, X0, X1, X2, X3)
	JNZ  run8rows

runDone:
	RET
