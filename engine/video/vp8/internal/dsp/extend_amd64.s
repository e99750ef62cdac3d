//go:build !noasm

#include "textflag.h"

// SSE2. The byte at P in all 16 of X.
#define SPREAD(P, X) \
	MOVBLZX    P, AX; \
	MOVD       AX, X; \
	PUNPCKLBW  X, X; \
	PSHUFLW    $0, X, X; \
	PUNPCKLQDQ X, X

// func extendRows(p *byte, stride, w, h, n int)
// n is 24 or 48.
TEXT ·extendRows(SB), NOSPLIT, $0-40
	MOVQ p+0(FP), SI
	MOVQ stride+8(FP), R8
	MOVQ w+16(FP), DI
	MOVQ h+24(FP), CX
	MOVQ n+32(FP), DX
	ADDQ SI, DI
	CMPQ DX, $24
	JEQ  extend24

extend48:
	SPREAD(0(SI), X0)
	SPREAD(-1(DI), X1)
	MOVOU X0, -48(SI)
	MOVOU X0, -32(SI)
	MOVOU X0, -16(SI)
	MOVOU X1, 0(DI)
	MOVOU X1, 16(DI)
	MOVOU X1, 32(DI)
	ADDQ  R8, SI
	ADDQ  R8, DI
	DECQ  CX
	JNZ   extend48
	RET

extend24:
	SPREAD(0(SI), X0)
	SPREAD(-1(DI), X1)
	MOVOU X0, -24(SI)
	MOVQ  X0, -8(SI)
	MOVOU X1, 0(DI)
	MOVQ  X1, 16(DI)
	ADDQ  R8, SI
	ADDQ  R8, DI
	DECQ  CX
	JNZ   extend24
	RET
