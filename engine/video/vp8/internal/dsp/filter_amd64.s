//go:build !noasm

#include "textflag.h"

// AVX2 set, 128-bit registers: 16 positions along an edge at once (8 of U and 8
// of V for chroma). X0 to X3 are p3 to p0, X4 to X7 are q0 to q3. BX points at
// the MBFilter.

DATA ·signBit+0(SB)/8, $0x8080808080808080
DATA ·signBit+8(SB)/8, $0x8080808080808080
GLOBL ·signBit(SB), RODATA, $16
DATA ·evenFE+0(SB)/8, $0xfefefefefefefefe
DATA ·evenFE+8(SB)/8, $0xfefefefefefefefe
GLOBL ·evenFE(SB), RODATA, $16
DATA ·byte1+0(SB)/8, $0x0101010101010101
DATA ·byte1+8(SB)/8, $0x0101010101010101
GLOBL ·byte1(SB), RODATA, $16
DATA ·byte3+0(SB)/8, $0x0303030303030303
DATA ·byte3+8(SB)/8, $0x0303030303030303
GLOBL ·byte3(SB), RODATA, $16
DATA ·byte4+0(SB)/8, $0x0404040404040404
DATA ·byte4+8(SB)/8, $0x0404040404040404
GLOBL ·byte4(SB), RODATA, $16
DATA ·byte10+0(SB)/8, $0x1010101010101010
DATA ·byte10+8(SB)/8, $0x1010101010101010
GLOBL ·byte10(SB), RODATA, $16
DATA ·byte1F+0(SB)/8, $0x1f1f1f1f1f1f1f1f
DATA ·byte1F+8(SB)/8, $0x1f1f1f1f1f1f1f1f
GLOBL ·byte1F(SB), RODATA, $16
DATA ·byte40+0(SB)/8, $0x4040404040404040
DATA ·byte40+8(SB)/8, $0x4040404040404040
GLOBL ·byte40(SB), RODATA, $16
DATA ·byte7F+0(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA ·byte7F+8(SB)/8, $0x7f7f7f7f7f7f7f7f
GLOBL ·byte7F(SB), RODATA, $16
DATA ·word63+0(SB)/8, $0x003f003f003f003f
DATA ·word63+8(SB)/8, $0x003f003f003f003f
GLOBL ·word63(SB), RODATA, $16

#define ABSDIFF(A, B, D, T) \
	VPSUBUSB B, A, D; \
	VPSUBUSB A, B, T; \
	VPOR     T, D, D

// Arithmetic shifts of signed bytes.
#define SHIFT3(R) \
	VPSRLW $3, R, R; \
	VPAND  ·byte1F(SB), R, R; \
	VPXOR  ·byte10(SB), R, R; \
	VPSUBB ·byte10(SB), R, R

#define SHIFT1(R) \
	VPSRLW $1, R, R; \
	VPAND  ·byte7F(SB), R, R; \
	VPXOR  ·byte40(SB), R, R; \
	VPSUBB ·byte40(SB), R, R

// D = saturated |p0-q0|*2 + |p1-q1|/2.
#define EDGE(D, T, U) \
	ABSDIFF(X3, X4, D, T); \
	VPADDUSB D, D, D; \
	ABSDIFF(X2, X5, T, U); \
	VPAND    ·evenFE(SB), T, T; \
	VPSRLW   $1, T, T; \
	VPADDUSB T, D, D

// X8: ones where the edge is filtered; X10: ones where variance is not high.
// LIMIT is the offset of the edge limit in MBFilter.
#define MASKS(LIMIT) \
	ABSDIFF(X0, X1, X8, X9); \
	ABSDIFF(X1, X2, X10, X9); \
	VPMAXUB      X10, X8, X8; \
	ABSDIFF(X5, X6, X10, X9); \
	VPMAXUB      X10, X8, X8; \
	ABSDIFF(X6, X7, X10, X9); \
	VPMAXUB      X10, X8, X8; \
	ABSDIFF(X2, X3, X10, X9); \
	ABSDIFF(X4, X5, X11, X9); \
	VPMAXUB      X11, X10, X10; \
	VPMAXUB      X10, X8, X8; \
	VPBROADCASTB 2(BX), X9; \
	VPSUBUSB     X9, X8, X8; \
	EDGE(X11, X12, X9); \
	VPBROADCASTB LIMIT(BX), X9; \
	VPSUBUSB     X9, X11, X11; \
	VPOR         X11, X8, X8; \
	VPXOR        X11, X11, X11; \
	VPCMPEQB     X11, X8, X8; \
	VPBROADCASTB 3(BX), X9; \
	VPSUBUSB     X9, X10, X10; \
	VPCMPEQB     X11, X10, X10

#define FLIP(R) VPXOR ·signBit(SB), R, R

// X9 = saturated X9 + 3*(q0-p0), where X8 allows.
#define ADD3 \
	VPSUBSB X3, X4, X11; \
	VPADDSB X11, X9, X9; \
	VPADDSB X11, X9, X9; \
	VPADDSB X11, X9, X9; \
	VPAND   X8, X9, X9

// q0 -= (A+4)>>3, p0 += (A+3)>>3; X11 keeps the former.
#define INNER(A) \
	VPADDSB ·byte4(SB), A, X11; \
	VPADDSB ·byte3(SB), A, X12; \
	SHIFT3(X11); \
	SHIFT3(X12); \
	VPSUBSB X11, X4, X4; \
	VPADDSB X12, X3, X3

#define SUBFILTER \
	MASKS(1); \
	FLIP(X2); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X5); \
	VPSUBSB X5, X2, X9; \
	VPANDN  X9, X10, X9; \
	ADD3; \
	INNER(X9); \
	VPADDB  ·byte1(SB), X11, X11; \
	SHIFT1(X11); \
	VPAND   X10, X11, X11; \
	VPSUBSB X11, X5, X5; \
	VPADDSB X11, X2, X2; \
	FLIP(X2); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X5)

// P += A, Q -= A with A = (L,H + 63) >> 7.
#define OUTER(L, H, P, Q) \
	VPADDW    ·word63(SB), L, X8; \
	VPADDW    ·word63(SB), H, X15; \
	VPSRAW    $7, X8, X8; \
	VPSRAW    $7, X15, X15; \
	VPACKSSWB X15, X8, X8; \
	VPSUBSB   X8, Q, Q; \
	VPADDSB   X8, P, P

#define MBFILTER \
	MASKS(0); \
	FLIP(X1); \
	FLIP(X2); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X5); \
	FLIP(X6); \
	VPSUBSB   X5, X2, X9; \
	ADD3; \
	VPANDN    X9, X10, X13; \
	VPAND     X9, X10, X9; \
	INNER(X13); \
	VPMOVSXBW X9, X11; \
	VPSRLDQ   $8, X9, X9; \
	VPMOVSXBW X9, X12; \
	VPSLLW    $3, X11, X13; \
	VPSLLW    $3, X12, X14; \
	VPADDW    X11, X13, X13; \
	VPADDW    X12, X14, X14; \
	OUTER(X13, X14, X1, X6); \
	VPADDW    X13, X13, X11; \
	VPADDW    X14, X14, X12; \
	OUTER(X11, X12, X2, X5); \
	VPADDW    X13, X11, X11; \
	VPADDW    X14, X12, X12; \
	OUTER(X11, X12, X3, X4); \
	FLIP(X1); \
	FLIP(X2); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X5); \
	FLIP(X6)

#define SIMPLEFILTER(LIMIT) \
	EDGE(X8, X9, X10); \
	VPSUBUSB LIMIT, X8, X8; \
	VPXOR    X9, X9, X9; \
	VPCMPEQB X9, X8, X8; \
	FLIP(X2); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X5); \
	VPSUBSB  X5, X2, X9; \
	ADD3; \
	INNER(X9); \
	FLIP(X3); \
	FLIP(X4); \
	FLIP(X2); \
	FLIP(X5)

// Eight rows of eight bytes from P (stride S, S3 = 3*S, P4 = P+4*S) become
// eight columns of eight, two to a register: O0 to O3. X0 to X7 are lost.
#define COLUMNS8(P, P4, S, S3, O0, O1, O2, O3) \
	VMOVQ      (P), X0; \
	VMOVQ      (P)(S*1), X1; \
	VMOVQ      (P)(S*2), X2; \
	VMOVQ      (P)(S3*1), X3; \
	VMOVQ      (P4), X4; \
	VMOVQ      (P4)(S*1), X5; \
	VMOVQ      (P4)(S*2), X6; \
	VMOVQ      (P4)(S3*1), X7; \
	VPUNPCKLBW X1, X0, X0; \
	VPUNPCKLBW X3, X2, X1; \
	VPUNPCKLBW X5, X4, X2; \
	VPUNPCKLBW X7, X6, X3; \
	VPUNPCKLWD X1, X0, X4; \
	VPUNPCKHWD X1, X0, X5; \
	VPUNPCKLWD X3, X2, X6; \
	VPUNPCKHWD X3, X2, X7; \
	VPUNPCKLDQ X6, X4, O0; \
	VPUNPCKHDQ X6, X4, O1; \
	VPUNPCKLDQ X7, X5, O2; \
	VPUNPCKHDQ X7, X5, O3

// Columns of the rows at SI (first eight) and DI (next eight) to X0 to X7.
#define LOADCOLUMNS \
	LEAQ        (SI)(R8*4), R11; \
	LEAQ        (DI)(R8*4), R12; \
	COLUMNS8(SI, R11, R8, R10, X8, X9, X10, X11); \
	COLUMNS8(DI, R12, R8, R10, X12, X13, X14, X15); \
	VPUNPCKLQDQ X12, X8, X0; \
	VPUNPCKHQDQ X12, X8, X1; \
	VPUNPCKLQDQ X13, X9, X2; \
	VPUNPCKHQDQ X13, X9, X3; \
	VPUNPCKLQDQ X14, X10, X4; \
	VPUNPCKHQDQ X14, X10, X5; \
	VPUNPCKLQDQ X15, X11, X6; \
	VPUNPCKHQDQ X15, X11, X7

// Pairs of columns A to D of eight rows back to memory.
#define ROWS8(P, P4, S, S3, A, B, C, D) \
	VPUNPCKLWD B, A, X0; \
	VPUNPCKHWD B, A, X1; \
	VPUNPCKLWD D, C, X2; \
	VPUNPCKHWD D, C, X3; \
	VPUNPCKLDQ X2, X0, X4; \
	VPUNPCKHDQ X2, X0, X5; \
	VPUNPCKLDQ X3, X1, X6; \
	VPUNPCKHDQ X3, X1, X7; \
	VMOVQ      X4, (P); \
	VMOVHPS    X4, (P)(S*1); \
	VMOVQ      X5, (P)(S*2); \
	VMOVHPS    X5, (P)(S3*1); \
	VMOVQ      X6, (P4); \
	VMOVHPS    X6, (P4)(S*1); \
	VMOVQ      X7, (P4)(S*2); \
	VMOVHPS    X7, (P4)(S3*1)

#define STORECOLUMNS \
	VPUNPCKLBW X1, X0, X8; \
	VPUNPCKHBW X1, X0, X9; \
	VPUNPCKLBW X3, X2, X10; \
	VPUNPCKHBW X3, X2, X11; \
	VPUNPCKLBW X5, X4, X12; \
	VPUNPCKHBW X5, X4, X13; \
	VPUNPCKLBW X7, X6, X14; \
	VPUNPCKHBW X7, X6, X15; \
	ROWS8(SI, R11, R8, R10, X8, X10, X12, X14); \
	ROWS8(DI, R12, R8, R10, X9, X11, X13, X15)

#define LOAD(A, X) VMOVDQU A, X
#define STORE(X, A) VMOVDQU X, A

#define LOADUV(A, B, X) \
	VMOVQ   A, X; \
	VMOVHPS B, X, X

#define STOREUV(X, A, B) \
	VMOVQ   X, A; \
	VMOVHPS X, B

#define SPREADAX(X) \
	VMOVD        AX, X; \
	VPBROADCASTB X, X

#define FILTERROW ·filterRowAVX2(SB)

#include "filter_amd64.h"

// func filterSimpleHAVX2(y *byte, stride, limit int)
TEXT ·filterSimpleHAVX2(SB), NOSPLIT, $0-24
	SIMPLEH
	RET

// func filterSimpleVAVX2(y *byte, stride, limit int)
TEXT ·filterSimpleVAVX2(SB), NOSPLIT, $0-24
	SIMPLEV
	RET
