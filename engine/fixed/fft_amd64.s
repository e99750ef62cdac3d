//go:build !noasm

#include "textflag.h"

// AVX2: four complex numbers in a register. VPMULDQ multiplies the low halves
// of 64-bit lanes, where the real parts lie; VPSRLQ $32 brings the imaginary
// parts there.
//
// Constants: Y15 half a unit of the product, X14 its right shift, X13 the left
// shift that brings the shifted product's low half to the high one (32 less the
// right shift), X12 the right shift of what is not rotated, Y11 half its unit.

// V = V·(C + iS), rounded; A, B, D are lost.
#define ROTATE(V, C, S, A, B, D) \
	VPSRLQ   $32, V, A; \
	VPMULDQ  C, V, B; \
	VPMULDQ  S, A, D; \
	VPSUBQ   D, B, B; \
	VPMULDQ  S, V, D; \
	VPMULDQ  C, A, A; \
	VPADDQ   A, D, D; \
	VPADDQ   Y15, B, B; \
	VPADDQ   Y15, D, D; \
	VPSRLQ   X14, B, B; \
	VPSLLQ   X13, D, D; \
	VPBLENDD $0xAA, D, B, V

// From a, b, c, d in Y0..Y3: y0 in Y4, y1 in Y5, y2 in Y6, y3 in Y7, all but
// the first still to be rotated. Y10: ones in the high halves.
#define BUTTERFLY \
	VPADDD  Y2, Y0, Y4; \
	VPSUBD  Y2, Y0, Y0; \
	VPADDD  Y3, Y1, Y2; \
	VPSUBD  Y3, Y1, Y1; \
	VPSUBD  Y2, Y4, Y6; \
	VPADDD  Y2, Y4, Y4; \
	VPSHUFD $0xB1, Y1, Y1; \
	VPXOR   Y10, Y1, Y1; \
	VPSUBD  Y10, Y1, Y1; \
	VPADDD  Y1, Y0, Y5; \
	VPSUBD  Y1, Y0, Y7

#define SCALE0 \
	VPADDD Y11, Y4, Y4; \
	VPSRAD X12, Y4, Y4

// The constants of a stage; R13 is down, R12 lost.
#define STAGE_CONSTANTS \
	MOVQ         $30, R12; \
	LEAQ         (R12)(R13*2), R12; \
	MOVQ         R12, X14; \
	SUBQ         $32, R12; \
	NEGQ         R12; \
	MOVQ         R12, X13; \
	LEAQ         (R13)(R13*1), R12; \
	MOVQ         R12, X12; \
	MOVQ         R12, X11; \
	VPBROADCASTD X11, Y11; \
	VPCMPEQD     Y15, Y15, Y15; \
	VPSLLQ       $32, Y15, Y10; \
	VPSRLQ       $63, Y15, Y15; \
	VPSLLQ       X14, Y15, Y15; \
	VPSRLQ       $1, Y15, Y15

// Byte offsets of b, c and d from a, in R8, R9 and R10; BX is the count of
// numbers between them, R11 swap.
#define OFFSETS \
	LEAQ    (BX*8), R8; \
	LEAQ    (R8)(R8*1), R9; \
	LEAQ    (R8)(R9*1), R10; \
	TESTQ   R11, R11; \
	MOVQ    R8, R12; \
	CMOVQNE R10, R8; \
	CMOVQNE R12, R10

// func fftFirst(dst, src, w *Complex32, m, swap, down int)
TEXT ·fftFirst(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ w+16(FP), DX
	MOVQ m+24(FP), CX
	MOVQ swap+32(FP), R11
	MOVQ down+40(FP), R13
	STAGE_CONSTANTS
	MOVQ CX, BX
	OFFSETS
	LEAQ (BX*8), AX

firstLoop:
	VMOVDQU (SI), Y0
	VMOVDQU (SI)(R8*1), Y1
	VMOVDQU (SI)(R9*1), Y2
	VMOVDQU (SI)(R10*1), Y3
	BUTTERFLY
	SCALE0
	VMOVDQU (DX), Y0
	VPSRLQ  $32, Y0, Y1
	ROTATE(Y5, Y0, Y1, Y2, Y3, Y8)
	VMOVDQU (DX)(AX*1), Y0
	VPSRLQ  $32, Y0, Y1
	ROTATE(Y6, Y0, Y1, Y2, Y3, Y8)
	VMOVDQU (DX)(AX*2), Y0
	VPSRLQ  $32, Y0, Y1
	ROTATE(Y7, Y0, Y1, Y2, Y3, Y8)
	VPUNPCKLQDQ Y5, Y4, Y0
	VPUNPCKHQDQ Y5, Y4, Y1
	VPUNPCKLQDQ Y7, Y6, Y2
	VPUNPCKHQDQ Y7, Y6, Y3
	VPERM2I128  $0x20, Y2, Y0, Y4
	VPERM2I128  $0x20, Y3, Y1, Y5
	VPERM2I128  $0x31, Y2, Y0, Y6
	VPERM2I128  $0x31, Y3, Y1, Y7
	VMOVDQU Y4, (DI)
	VMOVDQU Y5, 32(DI)
	VMOVDQU Y6, 64(DI)
	VMOVDQU Y7, 96(DI)
	ADDQ $32, SI
	ADDQ $32, DX
	ADDQ $128, DI
	SUBQ $4, CX
	JNE  firstLoop
	VZEROUPPER
	RET

// func fftMiddle(dst, src, w *Complex32, m, s, swap, down int)
TEXT ·fftMiddle(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ w+16(FP), DX
	MOVQ m+24(FP), CX
	MOVQ swap+40(FP), R11
	MOVQ down+48(FP), R13
	STAGE_CONSTANTS
	MOVQ CX, BX
	IMULQ s+32(FP), BX
	OFFSETS
	MOVQ CX, AX
	SHLQ $3, AX // bytes between the sets of twiddles
	MOVQ s+32(FP), R11
	SHLQ $3, R11 // bytes of a row of dst
	LEAQ (R11)(R11*2), R12

middleGroup:
	MOVQ s+32(FP), BX

middleLoop:
	VMOVDQU (SI), Y0
	VMOVDQU (SI)(R8*1), Y1
	VMOVDQU (SI)(R9*1), Y2
	VMOVDQU (SI)(R10*1), Y3
	BUTTERFLY
	SCALE0
	VPBROADCASTD (DX), Y0
	VPBROADCASTD 4(DX), Y1
	ROTATE(Y5, Y0, Y1, Y2, Y3, Y8)
	VPBROADCASTD (DX)(AX*1), Y0
	VPBROADCASTD 4(DX)(AX*1), Y1
	ROTATE(Y6, Y0, Y1, Y2, Y3, Y8)
	VPBROADCASTD (DX)(AX*2), Y0
	VPBROADCASTD 4(DX)(AX*2), Y1
	ROTATE(Y7, Y0, Y1, Y2, Y3, Y8)
	VMOVDQU Y4, (DI)
	VMOVDQU Y5, (DI)(R11*1)
	VMOVDQU Y6, (DI)(R11*2)
	VMOVDQU Y7, (DI)(R12*1)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $4, BX
	JNE  middleLoop
	ADDQ R12, DI
	ADDQ $8, DX
	DECQ CX
	JNE  middleGroup
	VZEROUPPER
	RET

// func fftLast(dst, src *Complex32, s, swap int)
TEXT ·fftLast(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ s+16(FP), BX
	MOVQ swap+24(FP), R11
	OFFSETS
	LEAQ (BX*8), R11
	LEAQ (R11)(R11*2), R12
	VPCMPEQD Y10, Y10, Y10
	VPSLLQ   $32, Y10, Y10

lastLoop:
	VMOVDQU (SI), Y0
	VMOVDQU (SI)(R8*1), Y1
	VMOVDQU (SI)(R9*1), Y2
	VMOVDQU (SI)(R10*1), Y3
	BUTTERFLY
	VMOVDQU Y4, (DI)
	VMOVDQU Y5, (DI)(R11*1)
	VMOVDQU Y6, (DI)(R11*2)
	VMOVDQU Y7, (DI)(R12*1)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $4, BX
	JNE  lastLoop
	VZEROUPPER
	RET

// Half the sum (Y2) and the turned difference (Y4) of SI and of DX, conjugate
// and backward; twiddles at CX.
#define EVEN_ODD \
	VMOVDQU (SI), Y0; \
	VPERMQ  $0x1B, (DX), Y1; \
	VPXOR   Y10, Y1, Y1; \
	VPSUBD  Y10, Y1, Y1; \
	VPADDD  Y1, Y0, Y2; \
	VPSUBD  Y1, Y0, Y4; \
	VPSRAD  $1, Y2, Y2; \
	VMOVDQU (CX), Y0; \
	VPSRLQ  $32, Y0, Y1; \
	ROTATE(Y4, Y0, Y1, Y5, Y6, Y7)

// Rounds and shifts for 31 bits.
#define SPLIT_CONSTANTS \
	VPCMPEQD Y15, Y15, Y15; \
	VPSLLQ   $32, Y15, Y10; \
	VPSRLQ   $63, Y15, Y15; \
	MOVQ     $1, R12; \
	MOVQ     R12, X13; \
	MOVQ     $31, R12; \
	MOVQ     R12, X14; \
	VPSLLQ   $30, Y15, Y15

// func fftSplit(low, high, w *Complex32, n int)
TEXT ·fftSplit(SB), NOSPLIT, $0-32
	MOVQ low+0(FP), SI
	MOVQ high+8(FP), DX
	MOVQ w+16(FP), CX
	MOVQ n+24(FP), BX
	SPLIT_CONSTANTS
	SUBQ $24, DX

splitLoop:
	EVEN_ODD
	VPADDD  Y4, Y2, Y0
	VPSUBD  Y4, Y2, Y1
	VPXOR   Y10, Y1, Y1
	VPSUBD  Y10, Y1, Y1
	VPERMQ  $0x1B, Y1, Y1
	VMOVDQU Y0, (SI)
	VMOVDQU Y1, (DX)
	ADDQ    $32, SI
	SUBQ    $32, DX
	ADDQ    $32, CX
	SUBQ    $4, BX
	JNE     splitLoop
	VZEROUPPER
	RET

// func fftJoin(dstLow, dstHigh, low, high, w *Complex32, n, shift int)
TEXT ·fftJoin(SB), NOSPLIT, $0-56
	MOVQ dstLow+0(FP), DI
	MOVQ dstHigh+8(FP), R8
	MOVQ low+16(FP), SI
	MOVQ high+24(FP), DX
	MOVQ w+32(FP), CX
	MOVQ n+40(FP), BX
	SPLIT_CONSTANTS
	VMOVQ    shift+48(FP), X12
	VPCMPEQD Y11, Y11, Y11
	VPSRLD   $31, Y11, Y11
	VPSLLD   X12, Y11, Y11
	VPSRLD   $1, Y11, Y11
	SUBQ     $24, DX
	SUBQ     $24, R8

joinLoop:
	EVEN_ODD
	VPADDD  Y4, Y2, Y0
	VPSUBD  Y4, Y2, Y1
	VPXOR   Y10, Y1, Y1
	VPSUBD  Y10, Y1, Y1
	VPADDD  Y11, Y0, Y0
	VPADDD  Y11, Y1, Y1
	VPSRAD  X12, Y0, Y0
	VPSRAD  X12, Y1, Y1
	VPERMQ  $0x1B, Y1, Y1
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, (R8)
	ADDQ    $32, SI
	SUBQ    $32, DX
	ADDQ    $32, DI
	SUBQ    $32, R8
	ADDQ    $32, CX
	SUBQ    $4, BX
	JNE     joinLoop
	VZEROUPPER
	RET
