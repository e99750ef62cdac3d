//go:build !noasm

#include "textflag.h"

// AVX2 set: 32 positions at once, 16 along an edge of luma in the lower half of a
// register, 8 of U and 8 of V in the upper; or luma alone, whatever the upper half
// holds. Y0 to Y3 are p3 to p0, Y4 to Y7 are q0 to q3. BX points at the MBFilter.

DATA ·signBit+0(SB)/8, $0x8080808080808080
DATA ·signBit+8(SB)/8, $0x8080808080808080
DATA ·signBit+16(SB)/8, $0x8080808080808080
DATA ·signBit+24(SB)/8, $0x8080808080808080
GLOBL ·signBit(SB), RODATA, $32
DATA ·evenFE+0(SB)/8, $0xfefefefefefefefe
DATA ·evenFE+8(SB)/8, $0xfefefefefefefefe
DATA ·evenFE+16(SB)/8, $0xfefefefefefefefe
DATA ·evenFE+24(SB)/8, $0xfefefefefefefefe
GLOBL ·evenFE(SB), RODATA, $32
DATA ·byte1+0(SB)/8, $0x0101010101010101
DATA ·byte1+8(SB)/8, $0x0101010101010101
DATA ·byte1+16(SB)/8, $0x0101010101010101
DATA ·byte1+24(SB)/8, $0x0101010101010101
GLOBL ·byte1(SB), RODATA, $32
DATA ·byte3+0(SB)/8, $0x0303030303030303
DATA ·byte3+8(SB)/8, $0x0303030303030303
DATA ·byte3+16(SB)/8, $0x0303030303030303
DATA ·byte3+24(SB)/8, $0x0303030303030303
GLOBL ·byte3(SB), RODATA, $32
DATA ·byte4+0(SB)/8, $0x0404040404040404
DATA ·byte4+8(SB)/8, $0x0404040404040404
DATA ·byte4+16(SB)/8, $0x0404040404040404
DATA ·byte4+24(SB)/8, $0x0404040404040404
GLOBL ·byte4(SB), RODATA, $32
DATA ·byte10+0(SB)/8, $0x1010101010101010
DATA ·byte10+8(SB)/8, $0x1010101010101010
DATA ·byte10+16(SB)/8, $0x1010101010101010
DATA ·byte10+24(SB)/8, $0x1010101010101010
GLOBL ·byte10(SB), RODATA, $32
DATA ·byte1F+0(SB)/8, $0x1f1f1f1f1f1f1f1f
DATA ·byte1F+8(SB)/8, $0x1f1f1f1f1f1f1f1f
DATA ·byte1F+16(SB)/8, $0x1f1f1f1f1f1f1f1f
DATA ·byte1F+24(SB)/8, $0x1f1f1f1f1f1f1f1f
GLOBL ·byte1F(SB), RODATA, $32
DATA ·byte40+0(SB)/8, $0x4040404040404040
DATA ·byte40+8(SB)/8, $0x4040404040404040
DATA ·byte40+16(SB)/8, $0x4040404040404040
DATA ·byte40+24(SB)/8, $0x4040404040404040
GLOBL ·byte40(SB), RODATA, $32
DATA ·byte7F+0(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA ·byte7F+8(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA ·byte7F+16(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA ·byte7F+24(SB)/8, $0x7f7f7f7f7f7f7f7f
GLOBL ·byte7F(SB), RODATA, $32
DATA ·word63+0(SB)/8, $0x003f003f003f003f
DATA ·word63+8(SB)/8, $0x003f003f003f003f
DATA ·word63+16(SB)/8, $0x003f003f003f003f
DATA ·word63+24(SB)/8, $0x003f003f003f003f
GLOBL ·word63(SB), RODATA, $32

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
	ABSDIFF(Y3, Y4, D, T); \
	VPADDUSB D, D, D; \
	ABSDIFF(Y2, Y5, T, U); \
	VPAND    ·evenFE(SB), T, T; \
	VPSRLW   $1, T, T; \
	VPADDUSB T, D, D

// Y8: ones where the edge is filtered; Y10: ones where variance is not high.
// LIMIT is the offset of the edge limit in MBFilter.
#define MASKS(LIMIT) \
	ABSDIFF(Y0, Y1, Y8, Y9); \
	ABSDIFF(Y1, Y2, Y10, Y9); \
	VPMAXUB      Y10, Y8, Y8; \
	ABSDIFF(Y5, Y6, Y10, Y9); \
	VPMAXUB      Y10, Y8, Y8; \
	ABSDIFF(Y6, Y7, Y10, Y9); \
	VPMAXUB      Y10, Y8, Y8; \
	ABSDIFF(Y2, Y3, Y10, Y9); \
	ABSDIFF(Y4, Y5, Y11, Y9); \
	VPMAXUB      Y11, Y10, Y10; \
	VPMAXUB      Y10, Y8, Y8; \
	VPBROADCASTB 2(BX), Y9; \
	VPSUBUSB     Y9, Y8, Y8; \
	EDGE(Y11, Y12, Y9); \
	VPBROADCASTB LIMIT(BX), Y9; \
	VPSUBUSB     Y9, Y11, Y11; \
	VPOR         Y11, Y8, Y8; \
	VPXOR        Y11, Y11, Y11; \
	VPCMPEQB     Y11, Y8, Y8; \
	VPBROADCASTB 3(BX), Y9; \
	VPSUBUSB     Y9, Y10, Y10; \
	VPCMPEQB     Y11, Y10, Y10

#define FLIP(R) VPXOR ·signBit(SB), R, R

// Y9 = saturated Y9 + 3*(q0-p0), where Y8 allows.
#define ADD3 \
	VPSUBSB Y3, Y4, Y11; \
	VPADDSB Y11, Y9, Y9; \
	VPADDSB Y11, Y9, Y9; \
	VPADDSB Y11, Y9, Y9; \
	VPAND   Y8, Y9, Y9

// q0 -= (A+4)>>3, p0 += (A+3)>>3; Y11 keeps the former.
#define INNER(A) \
	VPADDSB ·byte4(SB), A, Y11; \
	VPADDSB ·byte3(SB), A, Y12; \
	SHIFT3(Y11); \
	SHIFT3(Y12); \
	VPSUBSB Y11, Y4, Y4; \
	VPADDSB Y12, Y3, Y3

#define SUBFILTER \
	MASKS(1); \
	FLIP(Y2); \
	FLIP(Y3); \
	FLIP(Y4); \
	FLIP(Y5); \
	VPSUBSB Y5, Y2, Y9; \
	VPANDN  Y9, Y10, Y9; \
	ADD3; \
	INNER(Y9); \
	VPADDB  ·byte1(SB), Y11, Y11; \
	SHIFT1(Y11); \
	VPAND   Y10, Y11, Y11; \
	VPSUBSB Y11, Y5, Y5; \
	VPADDSB Y11, Y2, Y2; \
	FLIP(Y2); \
	FLIP(Y3); \
	FLIP(Y4); \
	FLIP(Y5)

// P += A, Q -= A with A = (L,H + 63) >> 7.
#define OUTER(L, H, P, Q) \
	VPADDW    ·word63(SB), L, Y8; \
	VPADDW    ·word63(SB), H, Y15; \
	VPSRAW    $7, Y8, Y8; \
	VPSRAW    $7, Y15, Y15; \
	VPACKSSWB Y15, Y8, Y8; \
	VPSUBSB   Y8, Q, Q; \
	VPADDSB   Y8, P, P

#define MBFILTER \
	MASKS(0); \
	FLIP(Y1); \
	FLIP(Y2); \
	FLIP(Y3); \
	FLIP(Y4); \
	FLIP(Y5); \
	FLIP(Y6); \
	VPSUBSB   Y5, Y2, Y9; \
	ADD3; \
	VPANDN    Y9, Y10, Y13; \
	VPAND     Y9, Y10, Y9; \
	INNER(Y13); \
	VPUNPCKLBW Y9, Y9, Y11; \
	VPUNPCKHBW Y9, Y9, Y12; \
	VPSRAW    $8, Y11, Y11; \
	VPSRAW    $8, Y12, Y12; \
	VPSLLW    $3, Y11, Y13; \
	VPSLLW    $3, Y12, Y14; \
	VPADDW    Y11, Y13, Y13; \
	VPADDW    Y12, Y14, Y14; \
	OUTER(Y13, Y14, Y1, Y6); \
	VPADDW    Y13, Y13, Y11; \
	VPADDW    Y14, Y14, Y12; \
	OUTER(Y11, Y12, Y2, Y5); \
	VPADDW    Y13, Y11, Y11; \
	VPADDW    Y14, Y12, Y12; \
	OUTER(Y11, Y12, Y3, Y4); \
	FLIP(Y1); \
	FLIP(Y2); \
	FLIP(Y3); \
	FLIP(Y4); \
	FLIP(Y5); \
	FLIP(Y6)

#define SIMPLEFILTER(LIMIT) \
	EDGE(Y8, Y9, Y10); \
	VPSUBUSB LIMIT, Y8, Y8; \
	VPXOR    Y9, Y9, Y9; \
	VPCMPEQB Y9, Y8, Y8; \
	FLIP(Y2); \
	FLIP(Y3); \
	FLIP(Y4); \
	FLIP(Y5); \
	VPSUBSB  Y5, Y2, Y9; \
	ADD3; \
	INNER(Y9); \
	FLIP(Y3); \
	FLIP(Y4); \
	FLIP(Y2); \
	FLIP(Y5)

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

#define LIMITS Y13

#define SPREADAX \
	VMOVD        AX, X13; \
	VPBROADCASTB X13, Y13

#include "filter_amd64.h"

// Both planes' rows: SI, R11 (four rows on), R8 and R10 (stride and its triple) for
// luma, DI, R12, CX and AX for chroma.

#define HALVES(A, B, X) \
	VMOVQ   A, X; \
	VMOVHPS B, X, X

#define FOURON \
	LEAQ (SI)(R8*4), R11; \
	LEAQ (DI)(CX*4), R12

// Eight rows of eight bytes of either become eight columns, two to a register.
#define COLUMNS8BOTH(O0, O1, O2, O3) \
	FOURON; \
	HALVES((SI), (R11), X0); \
	HALVES((SI)(R8*1), (R11)(R8*1), X1); \
	HALVES((SI)(R8*2), (R11)(R8*2), X2); \
	HALVES((SI)(R10*1), (R11)(R10*1), X3); \
	HALVES((DI), (R12), X4); \
	HALVES((DI)(CX*1), (R12)(CX*1), X5); \
	HALVES((DI)(CX*2), (R12)(CX*2), X6); \
	HALVES((DI)(AX*1), (R12)(AX*1), X7); \
	VINSERTI128 $1, X4, Y0, Y0; \
	VINSERTI128 $1, X5, Y1, Y1; \
	VINSERTI128 $1, X6, Y2, Y2; \
	VINSERTI128 $1, X7, Y3, Y3; \
	VPUNPCKLBW  Y1, Y0, Y4; \
	VPUNPCKHBW  Y1, Y0, Y5; \
	VPUNPCKLBW  Y3, Y2, Y6; \
	VPUNPCKHBW  Y3, Y2, Y7; \
	VPUNPCKLWD  Y6, Y4, Y0; \
	VPUNPCKHWD  Y6, Y4, Y1; \
	VPUNPCKLWD  Y7, Y5, Y2; \
	VPUNPCKHWD  Y7, Y5, Y3; \
	VPUNPCKLDQ  Y2, Y0, O0; \
	VPUNPCKHDQ  Y2, Y0, O1; \
	VPUNPCKLDQ  Y3, Y1, O2; \
	VPUNPCKHDQ  Y3, Y1, O3

// Columns from D beside the blocks at R13, R14 and R15 to Y0 to Y7.
#define LOADCOLUMNSBOTH(D) \
	LEAQ        D(R13), SI; \
	LEAQ        D(R14), DI; \
	COLUMNS8BOTH(Y8, Y9, Y10, Y11); \
	LEAQ        (SI)(R8*8), SI; \
	LEAQ        D(R15), DI; \
	COLUMNS8BOTH(Y12, Y13, Y14, Y15); \
	VPUNPCKLQDQ Y12, Y8, Y0; \
	VPUNPCKHQDQ Y12, Y8, Y1; \
	VPUNPCKLQDQ Y13, Y9, Y2; \
	VPUNPCKHQDQ Y13, Y9, Y3; \
	VPUNPCKLQDQ Y14, Y10, Y4; \
	VPUNPCKHQDQ Y14, Y10, Y5; \
	VPUNPCKLQDQ Y15, Y11, Y6; \
	VPUNPCKHQDQ Y15, Y11, Y7

#define PUTHALVES(X, A, B) \
	VMOVQ   X, A; \
	VMOVHPS X, B

#define ROWS8BOTH(A, B, C, D) \
	VPUNPCKLWD   B, A, Y0; \
	VPUNPCKHWD   B, A, Y1; \
	VPUNPCKLWD   D, C, Y2; \
	VPUNPCKHWD   D, C, Y3; \
	VPUNPCKLDQ   Y2, Y0, Y4; \
	VPUNPCKHDQ   Y2, Y0, Y5; \
	VPUNPCKLDQ   Y3, Y1, Y6; \
	VPUNPCKHDQ   Y3, Y1, Y7; \
	PUTHALVES(X4, (SI), (SI)(R8*1)); \
	PUTHALVES(X5, (SI)(R8*2), (SI)(R10*1)); \
	PUTHALVES(X6, (R11), (R11)(R8*1)); \
	PUTHALVES(X7, (R11)(R8*2), (R11)(R10*1)); \
	VEXTRACTI128 $1, Y4, X0; \
	VEXTRACTI128 $1, Y5, X1; \
	VEXTRACTI128 $1, Y6, X2; \
	VEXTRACTI128 $1, Y7, X3; \
	PUTHALVES(X0, (DI), (DI)(CX*1)); \
	PUTHALVES(X1, (DI)(CX*2), (DI)(AX*1)); \
	PUTHALVES(X2, (R12), (R12)(CX*1)); \
	PUTHALVES(X3, (R12)(CX*2), (R12)(AX*1))

// Y0 to Y7 back to where LOADCOLUMNSBOTH(D), of which the pointers are left, had
// them from.
#define STORECOLUMNSBOTH(D) \
	VPUNPCKLBW Y1, Y0, Y8; \
	VPUNPCKHBW Y1, Y0, Y9; \
	VPUNPCKLBW Y3, Y2, Y10; \
	VPUNPCKHBW Y3, Y2, Y11; \
	VPUNPCKLBW Y5, Y4, Y12; \
	VPUNPCKHBW Y5, Y4, Y13; \
	VPUNPCKLBW Y7, Y6, Y14; \
	VPUNPCKHBW Y7, Y6, Y15; \
	ROWS8BOTH(Y9, Y11, Y13, Y15); \
	LEAQ       D(R13), SI; \
	LEAQ       D(R14), DI; \
	FOURON; \
	ROWS8BOTH(Y8, Y10, Y12, Y14)

// Row of luma, U and V at A, B and C to the halves of Y (X its lower), and back.
#define LOADBOTH(A, B, C, X, Y) \
	VMOVDQU     A, X; \
	HALVES(B, C, X15); \
	VINSERTI128 $1, X15, Y, Y

#define STOREBOTH(X, Y, A, B, C) \
	VMOVDQU      X, A; \
	VEXTRACTI128 $1, Y, X15; \
	PUTHALVES(X15, B, C)

// Four rows on, of luma at SI, U at DI, V at R9.
#define NEXTFOUR \
	LEAQ (SI)(R8*4), SI; \
	LEAQ (DI)(CX*4), DI; \
	LEAQ (R9)(CX*4), R9

#define FOURBACK \
	SUBQ R8, SI; \
	SUBQ R10, SI; \
	SUBQ CX, DI; \
	SUBQ AX, DI; \
	SUBQ CX, R9; \
	SUBQ AX, R9

#define LOADROWSBOTH \
	LOADBOTH((SI), (DI), (R9), X0, Y0); \
	LOADBOTH((SI)(R8*1), (DI)(CX*1), (R9)(CX*1), X1, Y1); \
	LOADBOTH((SI)(R8*2), (DI)(CX*2), (R9)(CX*2), X2, Y2); \
	LOADBOTH((SI)(R10*1), (DI)(AX*1), (R9)(AX*1), X3, Y3); \
	NEXTFOUR; \
	LOADBOTH((SI), (DI), (R9), X4, Y4); \
	LOADBOTH((SI)(R8*1), (DI)(CX*1), (R9)(CX*1), X5, Y5); \
	LOADBOTH((SI)(R8*2), (DI)(CX*2), (R9)(CX*2), X6, Y6); \
	LOADBOTH((SI)(R10*1), (DI)(AX*1), (R9)(AX*1), X7, Y7)

#define BLOCKROWS \
	MOVQ R13, SI; \
	MOVQ R14, DI; \
	MOVQ R15, R9

// func filterRowAVX2(f *MBFilter, n int, y, u, v *byte, ys, uvs, edges int)
// A row of macroblocks; edges: 1 if the first has a left edge, 2 if all have one
// above. R13, R14, R15: y, u, v; DX: macroblocks left.
TEXT ·filterRowAVX2(SB), NOSPLIT, $0-64
	MOVQ f+0(FP), BX
	MOVQ n+8(FP), DX
	MOVQ y+16(FP), R13
	MOVQ u+24(FP), R14
	MOVQ v+32(FP), R15
	MOVQ ys+40(FP), R8
	LEAQ (R8)(R8*2), R10
	MOVQ uvs+48(FP), CX
	LEAQ (CX)(CX*2), AX

macroblock:
	CMPB  0(BX), $0
	JEQ   next
	TESTQ $1, edges+56(FP)
	JEQ   innerV
	LOADCOLUMNSBOTH(-4)
	MBFILTER
	STORECOLUMNSBOTH(-4)

innerV:
	CMPB 4(BX), $0
	JEQ  top
	LOADCOLUMNSBOTH(0)
	SUBFILTER
	STORECOLUMNSBOTH(0)

	// The others of luma.
	LEAQ 4(R13), SI
	LEAQ (SI)(R8*8), DI
	MOVQ $2, R9

innerVLoop:
	SUBVNEXT
	DECQ R9
	JNZ  innerVLoop

top:
	TESTQ $2, edges+56(FP)
	JEQ   innerH
	BLOCKROWS
	FOURBACK
	LOADROWSBOTH
	MBFILTER
	FOURBACK
	STOREBOTH(X1, Y1, (SI)(R8*1), (DI)(CX*1), (R9)(CX*1))
	STOREBOTH(X2, Y2, (SI)(R8*2), (DI)(CX*2), (R9)(CX*2))
	STOREBOTH(X3, Y3, (SI)(R10*1), (DI)(AX*1), (R9)(AX*1))
	NEXTFOUR
	STOREBOTH(X4, Y4, (SI), (DI), (R9))
	STOREBOTH(X5, Y5, (SI)(R8*1), (DI)(CX*1), (R9)(CX*1))
	STOREBOTH(X6, Y6, (SI)(R8*2), (DI)(CX*2), (R9)(CX*2))

innerH:
	CMPB 4(BX), $0
	JEQ  next
	BLOCKROWS
	LOADROWSBOTH
	SUBFILTER
	FOURBACK
	STOREBOTH(X2, Y2, (SI)(R8*2), (DI)(CX*2), (R9)(CX*2))
	STOREBOTH(X3, Y3, (SI)(R10*1), (DI)(AX*1), (R9)(AX*1))
	NEXTFOUR
	STOREBOTH(X4, Y4, (SI), (DI), (R9))
	STOREBOTH(X5, Y5, (SI)(R8*1), (DI)(CX*1), (R9)(CX*1))
	MOVQ $2, R12

innerHLoop:
	SUBHNEXT
	DECQ R12
	JNZ  innerHLoop

next:
	ORQ  $1, edges+56(FP)
	ADDQ $5, BX
	ADDQ $16, R13
	ADDQ $8, R14
	ADDQ $8, R15
	DECQ DX
	JNZ  macroblock
	VZEROUPPER
	RET

// func filterSimpleHAVX2(y *byte, stride, limit int)
TEXT ·filterSimpleHAVX2(SB), NOSPLIT, $0-24
	SIMPLEH
	VZEROUPPER
	RET

// func filterSimpleVAVX2(y *byte, stride, limit int)
TEXT ·filterSimpleVAVX2(SB), NOSPLIT, $0-24
	SIMPLEV
	VZEROUPPER
	RET
