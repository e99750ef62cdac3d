//go:build !noasm

#include "textflag.h"

// SSE2 set: as filter_amd64.s, which has the constants, with two operands where
// that has three. AX is lost.

// The byte at A in all places of X.
#define BYTES(A, X) \
	MOVBLZX    A, AX; \
	MOVD       AX, X; \
	PUNPCKLBW  X, X; \
	PSHUFLW    $0, X, X; \
	PUNPCKLQDQ X, X

#define ABSDIFF(A, B, D, T) \
	MOVO       A, D; \
	PSUBUSB    B, D; \
	MOVO       B, T; \
	PSUBUSB    A, T; \
	POR        T, D

// Arithmetic shifts of signed bytes.
#define SHIFT3(R) \
	PSRLW      $3, R; \
	PAND       ·byte1F(SB), R; \
	PXOR       ·byte10(SB), R; \
	PSUBB      ·byte10(SB), R

#define SHIFT1(R) \
	PSRLW      $1, R; \
	PAND       ·byte7F(SB), R; \
	PXOR       ·byte40(SB), R; \
	PSUBB      ·byte40(SB), R

// D = saturated |p0-q0|*2 + |p1-q1|/2.
#define EDGE(D, T, U) \
	ABSDIFF(X3, X4, D, T); \
	PADDUSB    D, D; \
	ABSDIFF(X2, X5, T, U); \
	PAND       ·evenFE(SB), T; \
	PSRLW      $1, T; \
	PADDUSB    T, D

// X8: ones where the edge is filtered; X10: ones where variance is not high.
// LIMIT is the offset of the edge limit in MBFilter.
#define MASKS(LIMIT) \
	ABSDIFF(X0, X1, X8, X9); \
	ABSDIFF(X1, X2, X10, X9); \
	PMAXUB     X10, X8; \
	ABSDIFF(X5, X6, X10, X9); \
	PMAXUB     X10, X8; \
	ABSDIFF(X6, X7, X10, X9); \
	PMAXUB     X10, X8; \
	ABSDIFF(X2, X3, X10, X9); \
	ABSDIFF(X4, X5, X11, X9); \
	PMAXUB     X11, X10; \
	PMAXUB     X10, X8; \
	BYTES(2(BX), X9); \
	PSUBUSB    X9, X8; \
	EDGE(X11, X12, X9); \
	BYTES(LIMIT(BX), X9); \
	PSUBUSB    X9, X11; \
	POR        X11, X8; \
	PXOR       X11, X11; \
	PCMPEQB    X11, X8; \
	BYTES(3(BX), X9); \
	PSUBUSB    X9, X10; \
	PCMPEQB    X11, X10

#define FLIP(R) PXOR ·signBit(SB), R

// X9 = saturated X9 + 3*(q0-p0), where X8 allows.
#define ADD3 \
	MOVO       X4, X11; \
	PSUBSB     X3, X11; \
	PADDSB     X11, X9; \
	PADDSB     X11, X9; \
	PADDSB     X11, X9; \
	PAND       X8, X9

// q0 -= (A+4)>>3, p0 += (A+3)>>3; X11 keeps the former.
#define INNER(A) \
	MOVO       A, X11; \
	PADDSB     ·byte4(SB), X11; \
	MOVO       A, X12; \
	PADDSB     ·byte3(SB), X12; \
	SHIFT3(X11); \
	SHIFT3(X12); \
	PSUBSB     X11, X4; \
	PADDSB     X12, X3

#define SUBFILTER \
	MASKS(1); \
	FLIP(X2); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X5); \
	MOVO       X2, X9; \
	PSUBSB     X5, X9; \
	MOVO       X10, X12; \
	PANDN      X9, X12; \
	MOVO       X12, X9; \
	ADD3; \
	INNER(X9); \
	PADDB      ·byte1(SB), X11; \
	SHIFT1(X11); \
	PAND       X10, X11; \
	PSUBSB     X11, X5; \
	PADDSB     X11, X2; \
	FLIP(X2); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X5)

// P += A, Q -= A with A = (L,H + 63) >> 7.
#define OUTER(L, H, P, Q) \
	MOVO       L, X8; \
	PADDW      ·word63(SB), X8; \
	MOVO       H, X15; \
	PADDW      ·word63(SB), X15; \
	PSRAW      $7, X8; \
	PSRAW      $7, X15; \
	PACKSSWB   X15, X8; \
	PSUBSB     X8, Q; \
	PADDSB     X8, P

#define MBFILTER \
	MASKS(0); \
	FLIP(X1); \
	FLIP(X2); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X5); \
	FLIP(X6); \
	MOVO       X2, X9; \
	PSUBSB     X5, X9; \
	ADD3; \
	MOVO       X10, X13; \
	PANDN      X9, X13; \
	PAND       X10, X9; \
	INNER(X13); \
	MOVO       X9, X11; \
	PUNPCKLBW  X11, X11; \
	PSRAW      $8, X11; \
	PSRLO      $8, X9; \
	MOVO       X9, X12; \
	PUNPCKLBW  X12, X12; \
	PSRAW      $8, X12; \
	MOVO       X11, X13; \
	PSLLW      $3, X13; \
	MOVO       X12, X14; \
	PSLLW      $3, X14; \
	PADDW      X11, X13; \
	PADDW      X12, X14; \
	OUTER(X13, X14, X1, X6); \
	MOVO       X13, X11; \
	PADDW      X13, X11; \
	MOVO       X14, X12; \
	PADDW      X14, X12; \
	OUTER(X11, X12, X2, X5); \
	PADDW      X13, X11; \
	PADDW      X14, X12; \
	OUTER(X11, X12, X3, X4); \
	FLIP(X1); \
	FLIP(X2); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X5); \
	FLIP(X6)

#define SIMPLEFILTER(LIMIT) \
	EDGE(X8, X9, X10); \
	PSUBUSB    LIMIT, X8; \
	PXOR       X9, X9; \
	PCMPEQB    X9, X8; \
	FLIP(X2); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X5); \
	MOVO       X2, X9; \
	PSUBSB     X5, X9; \
	ADD3; \
	INNER(X9); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X2); \
	FLIP(X5)

// Eight rows of eight bytes from P (stride S, S3 = 3*S, P4 = P+4*S) become
// eight columns of eight, two to a register: O0 to O3. X0 to X7 are lost.
#define COLUMNS8(P, P4, S, S3, O0, O1, O2, O3) \
	MOVQ       (P), X0; \
	MOVQ       (P)(S*1), X1; \
	MOVQ       (P)(S*2), X2; \
	MOVQ       (P)(S3*1), X3; \
	MOVQ       (P4), X4; \
	MOVQ       (P4)(S*1), X5; \
	MOVQ       (P4)(S*2), X6; \
	MOVQ       (P4)(S3*1), X7; \
	PUNPCKLBW  X1, X0; \
	MOVO       X2, X1; \
	PUNPCKLBW  X3, X1; \
	MOVO       X4, X2; \
	PUNPCKLBW  X5, X2; \
	MOVO       X6, X3; \
	PUNPCKLBW  X7, X3; \
	MOVO       X0, X4; \
	PUNPCKLWL  X1, X4; \
	MOVO       X0, X5; \
	PUNPCKHWL  X1, X5; \
	MOVO       X2, X6; \
	PUNPCKLWL  X3, X6; \
	MOVO       X2, X7; \
	PUNPCKHWL  X3, X7; \
	MOVO       X4, O0; \
	PUNPCKLLQ  X6, O0; \
	MOVO       X4, O1; \
	PUNPCKHLQ  X6, O1; \
	MOVO       X5, O2; \
	PUNPCKLLQ  X7, O2; \
	MOVO       X5, O3; \
	PUNPCKHLQ  X7, O3

// Columns of the rows at SI (first eight) and DI (next eight) to X0 to X7.
#define LOADCOLUMNS \
	LEAQ        (SI)(R8*4), R11; \
	LEAQ        (DI)(R8*4), R12; \
	COLUMNS8(SI, R11, R8, R10, X8, X9, X10, X11); \
	COLUMNS8(DI, R12, R8, R10, X12, X13, X14, X15); \
	MOVO       X8, X0; \
	PUNPCKLQDQ X12, X0; \
	MOVO       X8, X1; \
	PUNPCKHQDQ X12, X1; \
	MOVO       X9, X2; \
	PUNPCKLQDQ X13, X2; \
	MOVO       X9, X3; \
	PUNPCKHQDQ X13, X3; \
	MOVO       X10, X4; \
	PUNPCKLQDQ X14, X4; \
	MOVO       X10, X5; \
	PUNPCKHQDQ X14, X5; \
	MOVO       X11, X6; \
	PUNPCKLQDQ X15, X6; \
	MOVO       X11, X7; \
	PUNPCKHQDQ X15, X7

// Pairs of columns A to D of eight rows back to memory.
#define ROWS8(P, P4, S, S3, A, B, C, D) \
	MOVO       A, X0; \
	PUNPCKLWL  B, X0; \
	MOVO       A, X1; \
	PUNPCKHWL  B, X1; \
	MOVO       C, X2; \
	PUNPCKLWL  D, X2; \
	MOVO       C, X3; \
	PUNPCKHWL  D, X3; \
	MOVO       X0, X4; \
	PUNPCKLLQ  X2, X4; \
	MOVO       X0, X5; \
	PUNPCKHLQ  X2, X5; \
	MOVO       X1, X6; \
	PUNPCKLLQ  X3, X6; \
	MOVO       X1, X7; \
	PUNPCKHLQ  X3, X7; \
	MOVQ       X4, (P); \
	MOVHPS     X4, (P)(S*1); \
	MOVQ       X5, (P)(S*2); \
	MOVHPS     X5, (P)(S3*1); \
	MOVQ       X6, (P4); \
	MOVHPS     X6, (P4)(S*1); \
	MOVQ       X7, (P4)(S*2); \
	MOVHPS     X7, (P4)(S3*1)

#define STORECOLUMNS \
	MOVO       X0, X8; \
	PUNPCKLBW  X1, X8; \
	MOVO       X0, X9; \
	PUNPCKHBW  X1, X9; \
	MOVO       X2, X10; \
	PUNPCKLBW  X3, X10; \
	MOVO       X2, X11; \
	PUNPCKHBW  X3, X11; \
	MOVO       X4, X12; \
	PUNPCKLBW  X5, X12; \
	MOVO       X4, X13; \
	PUNPCKHBW  X5, X13; \
	MOVO       X6, X14; \
	PUNPCKLBW  X7, X14; \
	MOVO       X6, X15; \
	PUNPCKHBW  X7, X15; \
	ROWS8(SI, R11, R8, R10, X8, X10, X12, X14); \
	ROWS8(DI, R12, R8, R10, X9, X11, X13, X15)

#define LOAD(A, X) MOVOU A, X
#define STORE(X, A) MOVOU X, A

#define LOADUV(A, B, X) \
	MOVQ   A, X; \
	MOVHPS B, X

#define STOREUV(X, A, B) \
	MOVQ   X, A; \
	MOVHPS X, B

#define LIMITS X13

#define SPREADAX \
	MOVD       AX, X13; \
	PUNPCKLBW  X13, X13; \
	PSHUFLW    $0, X13, X13; \
	PUNPCKLQDQ X13, X13

#include "filter_amd64.h"

// func filterRowSSE2(f *MBFilter, n int, y, u, v *byte, ys, uvs, edges int)
// A row of macroblocks, luma before chroma; edges: 1 if the first has a left edge,
// 2 if all have one above. R13, R14, R15: y, u, v; DX: macroblocks left.
TEXT ·filterRowSSE2(SB), NOSPLIT, $0-64
	MOVQ f+0(FP), BX
	MOVQ n+8(FP), DX
	MOVQ y+16(FP), R13
	MOVQ u+24(FP), R14
	MOVQ v+32(FP), R15

macroblock:
	CMPB  0(BX), $0
	JEQ   next
	MOVQ  ys+40(FP), R8
	LEAQ  (R8)(R8*2), R10
	TESTQ $1, edges+56(FP)
	JEQ   lumaInnerV
	MOVQ  R13, SI
	MBV

lumaInnerV:
	CMPB 4(BX), $0
	JEQ  lumaTop
	MOVQ R13, SI
	LEAQ (SI)(R8*8), DI
	MOVQ $3, CX

lumaInnerVLoop:
	SUBVNEXT
	DECQ CX
	JNZ  lumaInnerVLoop

lumaTop:
	TESTQ $2, edges+56(FP)
	JEQ   lumaInnerH
	MOVQ  R13, SI
	MBH

lumaInnerH:
	CMPB 4(BX), $0
	JEQ  chroma
	MOVQ R13, SI
	MOVQ $3, CX

lumaInnerHLoop:
	SUBHNEXT
	DECQ CX
	JNZ  lumaInnerHLoop

chroma:
	MOVQ  uvs+48(FP), R8
	LEAQ  (R8)(R8*2), R10
	TESTQ $1, edges+56(FP)
	JEQ   chromaInnerV
	MOVQ  R14, SI
	MOVQ  R15, DI
	MBVUV

chromaInnerV:
	CMPB 4(BX), $0
	JEQ  chromaTop
	MOVQ R14, SI
	MOVQ R15, DI
	SUBVUV

chromaTop:
	TESTQ $2, edges+56(FP)
	JEQ   chromaInnerH
	MOVQ  R14, SI
	MOVQ  R15, DI
	MBHUV

chromaInnerH:
	CMPB 4(BX), $0
	JEQ  next
	MOVQ R14, SI
	MOVQ R15, DI
	SUBHUV

next:
	ORQ  $1, edges+56(FP)
	ADDQ $5, BX
	ADDQ $16, R13
	ADDQ $8, R14
	ADDQ $8, R15
	DECQ DX
	JNZ  macroblock
	RET

// func filterSimpleHSSE2(y *byte, stride, limit int)
TEXT ·filterSimpleHSSE2(SB), NOSPLIT, $0-24
	SIMPLEH
	RET

// func filterSimpleVSSE2(y *byte, stride, limit int)
TEXT ·filterSimpleVSSE2(SB), NOSPLIT, $0-24
	SIMPLEV
	RET
