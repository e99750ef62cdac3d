//go:build !noasm

#include "textflag.h"

// SSE2 set. P: eight samples as words, A: their average; X8 the shift, X9 and X10
// the limit and its negative, X11 words of 64. Leaves the new average in A, samples
// in P. D, T and U are lost.
#define AVERAGE(P, A, D, T, U) \
	PSLLW   $7, P; \
	MOVO    P, D; \
	PSUBW   A, D; \
	MOVO    D, T; \
	PCMPGTW X9, T; \
	MOVO    X10, U; \
	PCMPGTW D, U; \
	POR     U, T; \
	PSRAW   X8, D; \
	PADDW   D, A; \
	PAND    T, P; \
	PANDN   A, T; \
	POR     T, P; \
	MOVO    P, A; \
	PADDW   X11, P; \
	PSRAW   $7, P

// Words from the low half of AX to all of X.
#define WORDS(X) \
	MOVD       AX, X; \
	PSHUFLW    $0, X, X; \
	PUNPCKLQDQ X, X

// func averageSSE2(avgQ7 *uint16, pix *byte, stride, w, h, shift, limitQ7 int)
TEXT ·averageSSE2(SB), NOSPLIT, $0-56
	MOVQ  avgQ7+0(FP), DI
	MOVQ  pix+8(FP), SI
	MOVQ  stride+16(FP), R8
	MOVQ  w+24(FP), BX
	MOVQ  h+32(FP), CX
	MOVQ  shift+40(FP), AX
	MOVQ  AX, X8
	MOVQ  limitQ7+48(FP), AX
	WORDS(X9)
	PXOR  X15, X15
	MOVO  X15, X10
	PSUBW X9, X10
	MOVQ  $64, AX
	WORDS(X11)
	LEAQ  (R8)(R8*1), R9
	CMPQ  BX, $16
	JNE   average8

average16:
	MOVOU     (SI), X0
	MOVO      X0, X5
	PUNPCKLBW X15, X0
	PUNPCKHBW X15, X5
	MOVOU     (DI), X1
	MOVOU     16(DI), X6
	AVERAGE(X0, X1, X2, X3, X4)
	AVERAGE(X5, X6, X2, X3, X4)
	MOVOU     X1, (DI)
	MOVOU     X6, 16(DI)
	PACKUSWB  X5, X0
	MOVOU     X0, (SI)
	ADDQ      R8, SI
	ADDQ      R9, DI
	DECQ      CX
	JNZ       average16
	RET

average8:
	MOVQ      (SI), X0
	PUNPCKLBW X15, X0
	MOVOU     (DI), X1
	AVERAGE(X0, X1, X2, X3, X4)
	MOVOU     X1, (DI)
	PACKUSWB  X0, X0
	MOVQ      X0, (SI)
	ADDQ      R8, SI
	ADDQ      R9, DI
	DECQ      CX
	JNZ       average8
	RET
