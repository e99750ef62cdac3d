//go:build !noasm

#include "textflag.h"

// AVX2 set; registers as macro arguments, as in fdct_amd64.s.

// sin and cos-1 of idct_generic.go, Q16. sin does not fit 16 bits with sign:
// 35468-65536 is taken, and the sample itself added.
DATA idctK<>+0(SB)/4, $0x8a8c8a8c
DATA idctK<>+4(SB)/4, $0x4e7b4e7b
DATA idctK<>+8(SB)/4, $0x00040004
DATA idctK<>+12(SB)/4, $0x00030003
GLOBL idctK<>(SB), RODATA, $16

// One pass over rows R0 to R3, in place.
#define PASS(R0, R1, R2, R3, T0, T1, T2, T3, T4, T5, KS, KC) \
	VPADDW  R2, R0, T0; \
	VPSUBW  R2, R0, T1; \
	VPMULHW KS, R1, T2; \
	VPADDW  R1, T2, T2; \
	VPMULHW KC, R3, T3; \
	VPADDW  R3, T3, T3; \
	VPSUBW  T3, T2, T2; \
	VPMULHW KC, R1, T4; \
	VPADDW  R1, T4, T4; \
	VPMULHW KS, R3, T5; \
	VPADDW  R3, T5, T5; \
	VPADDW  T5, T4, T4; \
	VPADDW  T4, T0, R0; \
	VPSUBW  T4, T0, R3; \
	VPADDW  T2, T1, R1; \
	VPSUBW  T2, T1, R2

#define TRANSPOSE(A, B, C, D, T0, T1, T2, T3) \
	VPUNPCKLWD  B, A, T0; \
	VPUNPCKHWD  B, A, T1; \
	VPUNPCKLWD  D, C, T2; \
	VPUNPCKHWD  D, C, T3; \
	VPUNPCKLDQ  T2, T0, A; \
	VPUNPCKHDQ  T2, T0, B; \
	VPUNPCKLDQ  T3, T1, C; \
	VPUNPCKHDQ  T3, T1, D; \
	VPUNPCKLQDQ C, A, T0; \
	VPUNPCKHQDQ C, A, T1; \
	VPUNPCKLQDQ D, B, T2; \
	VPUNPCKHQDQ D, B, T3

// Both passes: coefficient rows R0 to R3 become residual rows R0 to R3.
#define IDCT(R0, R1, R2, R3, T0, T1, T2, T3, T4, T5, KS, KC, W4) \
	PASS(R0, R1, R2, R3, T0, T1, T2, T3, T4, T5, KS, KC); \
	TRANSPOSE(R0, R1, R2, R3, T0, T1, T2, T3); \
	VPADDW W4, T0, T0; \
	PASS(T0, T1, T2, T3, R0, R1, R2, R3, T4, T5, KS, KC); \
	VPSRAW $3, T0, T0; \
	VPSRAW $3, T1, T1; \
	VPSRAW $3, T2, T2; \
	VPSRAW $3, T3, T3; \
	TRANSPOSE(T0, T1, T2, T3, R0, R1, R2, R3)

#define ARGS \
	MOVQ dst+0(FP), DI; \
	MOVQ ds+8(FP), R8; \
	MOVQ pred+16(FP), SI; \
	MOVQ ps+24(FP), R9; \
	MOVQ coef+32(FP), DX

#define CONST(KS, KC, W4) \
	VPBROADCASTD idctK<>+0(SB), KS; \
	VPBROADCASTD idctK<>+4(SB), KC; \
	VPBROADCASTD idctK<>+8(SB), W4

// Adds sixteen residuals to a row of prediction.
#define ADD16(R, XR, Y, XT) \
	VPMOVZXBW    (SI), Y; \
	VPADDW       R, Y, Y; \
	VEXTRACTI128 $1, Y, XR; \
	VPACKUSWB    XR, XT, XT; \
	VMOVDQU      XT, (DI); \
	ADDQ         R9, SI; \
	ADDQ         R8, DI

// Adds eight.
#define ADD8(R, T) \
	VPMOVZXBW (SI), T; \
	VPADDW    R, T, T; \
	VPACKUSWB T, T, T; \
	VMOVQ     T, (DI); \
	ADDQ      R9, SI; \
	ADDQ      R8, DI


// The same with SSE2: two blocks side by side. X13 and X14 are sin and cos-1, X15
// words of 4, X12 is zero.

// One pass over rows R0 to R3, in place; T0 to T3 are lost.
#define PASS2(R0, R1, R2, R3, T0, T1, T2, T3) \
	MOVO   R0, T0; \
	PADDW  R2, R0; \
	PSUBW  R2, T0; \
	MOVO   R1, T1; \
	PMULHW X13, T1; \
	PADDW  R1, T1; \
	MOVO   R3, T2; \
	PMULHW X14, T2; \
	PADDW  R3, T2; \
	PSUBW  T2, T1; \
	MOVO   R1, T2; \
	PMULHW X14, T2; \
	PADDW  R1, T2; \
	MOVO   R3, T3; \
	PMULHW X13, T3; \
	PADDW  R3, T3; \
	PADDW  T3, T2; \
	MOVO   R0, R3; \
	PADDW  T2, R0; \
	PSUBW  T2, R3; \
	MOVO   T0, R1; \
	PADDW  T1, R1; \
	MOVO   T0, R2; \
	PSUBW  T1, R2

// Rows A to D become columns A, B, D, T.
#define TRANSPOSE2(A, B, C, D, T) \
	MOVO       A, T; \
	PUNPCKLWL  B, A; \
	PUNPCKHWL  B, T; \
	MOVO       C, B; \
	PUNPCKLWL  D, C; \
	PUNPCKHWL  D, B; \
	MOVO       A, D; \
	PUNPCKLLQ  C, A; \
	PUNPCKHLQ  C, D; \
	MOVO       T, C; \
	PUNPCKLLQ  B, T; \
	PUNPCKHLQ  B, C; \
	MOVO       A, B; \
	PUNPCKLQDQ T, A; \
	PUNPCKHQDQ T, B; \
	MOVO       D, T; \
	PUNPCKLQDQ C, D; \
	PUNPCKHQDQ C, T

// Coefficient rows X0 to X3 become residual rows X0, X1, X4, X2.
#define IDCT2 \
	PASS2(X0, X1, X2, X3, X4, X5, X6, X7); \
	TRANSPOSE2(X0, X1, X2, X3, X4); \
	PADDW X15, X0; \
	PASS2(X0, X1, X3, X4, X2, X5, X6, X7); \
	PSRAW $3, X0; \
	PSRAW $3, X1; \
	PSRAW $3, X3; \
	PSRAW $3, X4; \
	TRANSPOSE2(X0, X1, X3, X4, X2)

#define LOADPAIR2 \
	MOVOU      0(DX), X0; \
	MOVOU      32(DX), X4; \
	MOVO       X0, X1; \
	PUNPCKLQDQ X4, X0; \
	PUNPCKHQDQ X4, X1; \
	MOVOU      16(DX), X2; \
	MOVOU      48(DX), X4; \
	MOVO       X2, X3; \
	PUNPCKLQDQ X4, X2; \
	PUNPCKHQDQ X4, X3

// The DC of two blocks, each spread over its block's columns.
#define LOADDC2 \
	MOVL      0(DX), X0; \
	PINSRW    $1, 32(DX), X0; \
	PADDW     X15, X0; \
	PSRAW     $3, X0; \
	PUNPCKLWL X0, X0; \
	PSHUFD    $0x50, X0, X0; \
	MOVO      X0, X1; \
	MOVO      X0, X4; \
	MOVO      X0, X2

#define ADDROW2(MOV, R, T) \
	MOV       (SI), T; \
	PUNPCKLBW X12, T; \
	PADDW     R, T; \
	PACKUSWB  T, T; \
	MOV       T, (DI); \
	ADDQ      R9, SI; \
	ADDQ      R8, DI

#define ADDROWS2(MOV) \
	ADDROW2(MOV, X0, X5); \
	ADDROW2(MOV, X1, X5); \
	ADDROW2(MOV, X4, X5); \
	ADDROW2(MOV, X2, X5)

#define CONST2 \
	MOVL   idctK<>+0(SB), X13; \
	PSHUFD $0, X13, X13; \
	MOVL   idctK<>+4(SB), X14; \
	PSHUFD $0, X14, X14; \
	MOVL   idctK<>+8(SB), X15; \
	PSHUFD $0, X15, X15; \
	PXOR   X12, X12

// func idctAdd16x16(dst *byte, ds int, pred *byte, ps int, coef *int16, eobs *uint8)
TEXT ·idctAdd16x16(SB), NOSPLIT, $0-48
	ARGS
	MOVQ eobs+40(FP), BX
	MOVQ $4, CX
	CMPB ·useWide(SB), $0
	JEQ  idct16narrow
	CONST(Y13, Y14, Y15)

idct16loop:
	TESTL $0xfefefefe, (BX)
	JNZ   idct16full

	// DC alone. Four words, each spread over its block's columns.
	VMOVD      (DX), X0
	VPINSRW    $1, 32(DX), X0, X0
	VPINSRW    $2, 64(DX), X0, X0
	VPINSRW    $3, 96(DX), X0, X0
	VPADDW     X15, X0, X0
	VPSRAW     $3, X0, X0
	VMOVQ      X0, AX
	TESTQ      AX, AX
	JZ         idct16copy
	VPUNPCKLWD X0, X0, X0
	VPUNPCKHDQ X0, X0, X1
	VPUNPCKLDQ X0, X0, X0
	VINSERTI128 $1, X1, Y0, Y0
	ADD16(Y0, X2, Y1, X1)
	ADD16(Y0, X2, Y1, X1)
	ADD16(Y0, X2, Y1, X1)
	ADD16(Y0, X2, Y1, X1)
	JMP        idct16next

idct16copy:
	CMPQ    SI, DI
	JEQ     idct16skip
	VMOVDQU (SI), X0
	VMOVDQU (SI)(R9*1), X1
	LEAQ    (SI)(R9*2), SI
	VMOVDQU (SI), X2
	VMOVDQU (SI)(R9*1), X3
	LEAQ    (SI)(R9*2), SI
	VMOVDQU X0, (DI)
	VMOVDQU X1, (DI)(R8*1)
	LEAQ    (DI)(R8*2), DI
	VMOVDQU X2, (DI)
	VMOVDQU X3, (DI)(R8*1)
	LEAQ    (DI)(R8*2), DI
	JMP     idct16next

idct16skip:
	LEAQ (SI)(R9*4), SI
	LEAQ (DI)(R8*4), DI
	JMP  idct16next

idct16full:
	// Low halves: blocks 0 and 1; high halves: blocks 2 and 3.
	VMOVDQU     0(DX), X0
	VINSERTI128 $1, 64(DX), Y0, Y0
	VMOVDQU     32(DX), X1
	VINSERTI128 $1, 96(DX), Y1, Y1
	VMOVDQU     16(DX), X2
	VINSERTI128 $1, 80(DX), Y2, Y2
	VMOVDQU     48(DX), X3
	VINSERTI128 $1, 112(DX), Y3, Y3
	VPUNPCKLQDQ Y1, Y0, Y4
	VPUNPCKHQDQ Y1, Y0, Y5
	VPUNPCKLQDQ Y3, Y2, Y6
	VPUNPCKHQDQ Y3, Y2, Y7
	IDCT(Y4, Y5, Y6, Y7, Y0, Y1, Y2, Y3, Y8, Y9, Y13, Y14, Y15)
	ADD16(Y4, X1, Y0, X0)
	ADD16(Y5, X1, Y0, X0)
	ADD16(Y6, X1, Y0, X0)
	ADD16(Y7, X1, Y0, X0)

idct16next:
	ADDQ $128, DX
	ADDQ $4, BX
	DECQ CX
	JNZ  idct16loop
	VZEROUPPER
	RET

// Pairs from the left to the right: the second of a row goes back up.
idct16narrow:
	CONST2
	MOVQ $8, CX

idct16narrowLoop:
	MOVQ  SI, R10
	MOVQ  DI, R11
	TESTW $0xfefe, (BX)
	JNZ   idct16narrowFull
	LOADDC2
	JMP   idct16narrowAdd

idct16narrowFull:
	LOADPAIR2
	IDCT2

idct16narrowAdd:
	ADDROWS2(MOVQ)
	ADDQ  $64, DX
	ADDQ  $2, BX
	TESTQ $1, CX
	JNZ   idct16narrowDown
	LEAQ  8(R10), SI
	LEAQ  8(R11), DI
	DECQ  CX
	JMP   idct16narrowLoop

idct16narrowDown:
	SUBQ $8, SI
	SUBQ $8, DI
	DECQ CX
	JNZ  idct16narrowLoop
	RET

// func idctAdd8x8(dst *byte, ds int, pred *byte, ps int, coef *int16, eobs *uint8)
TEXT ·idctAdd8x8(SB), NOSPLIT, $0-48
	ARGS
	MOVQ eobs+40(FP), BX
	MOVQ $2, CX
	CMPB ·useWide(SB), $0
	JEQ  idct8narrow
	CONST(X13, X14, X15)

idct8loop:
	TESTW $0xfefe, (BX)
	JNZ   idct8full
	VMOVD      (DX), X0
	VPINSRW    $1, 32(DX), X0, X0
	VPADDW     X15, X0, X0
	VPSRAW     $3, X0, X0
	VMOVD      X0, AX
	TESTL      AX, AX
	JZ         idct8copy
	VPUNPCKLWD X0, X0, X0
	VPUNPCKLDQ X0, X0, X0
	ADD8(X0, X1)
	ADD8(X0, X1)
	ADD8(X0, X1)
	ADD8(X0, X1)
	JMP        idct8next

idct8copy:
	MOVQ (SI), R10
	MOVQ (SI)(R9*1), R11
	LEAQ (SI)(R9*2), SI
	MOVQ (SI), R12
	MOVQ (SI)(R9*1), R13
	LEAQ (SI)(R9*2), SI
	MOVQ R10, (DI)
	MOVQ R11, (DI)(R8*1)
	LEAQ (DI)(R8*2), DI
	MOVQ R12, (DI)
	MOVQ R13, (DI)(R8*1)
	LEAQ (DI)(R8*2), DI
	JMP  idct8next

idct8full:
	VMOVDQU     0(DX), X0
	VMOVDQU     32(DX), X1
	VMOVDQU     16(DX), X2
	VMOVDQU     48(DX), X3
	VPUNPCKLQDQ X1, X0, X4
	VPUNPCKHQDQ X1, X0, X5
	VPUNPCKLQDQ X3, X2, X6
	VPUNPCKHQDQ X3, X2, X7
	IDCT(X4, X5, X6, X7, X0, X1, X2, X3, X8, X9, X13, X14, X15)
	ADD8(X4, X0)
	ADD8(X5, X0)
	ADD8(X6, X0)
	ADD8(X7, X0)

idct8next:
	ADDQ $64, DX
	ADDQ $2, BX
	DECQ CX
	JNZ  idct8loop
	RET

idct8narrow:
	CONST2

idct8narrowLoop:
	TESTW $0xfefe, (BX)
	JNZ   idct8narrowFull
	LOADDC2
	JMP   idct8narrowAdd

idct8narrowFull:
	LOADPAIR2
	IDCT2

idct8narrowAdd:
	ADDROWS2(MOVQ)
	ADDQ $64, DX
	ADDQ $2, BX
	DECQ CX
	JNZ  idct8narrowLoop
	RET

#define ADD4(R, T) \
	VMOVD     (SI), T; \
	VPMOVZXBW T, T; \
	VPADDW    R, T, T; \
	VPACKUSWB T, T, T; \
	VMOVD     T, (DI); \
	ADDQ      R9, SI; \
	ADDQ      R8, DI

// func idctAdd(dst *byte, ds int, pred *byte, ps int, coef *int16)
TEXT ·idctAdd(SB), NOSPLIT, $0-40
	ARGS
	CMPB ·useWide(SB), $0
	JEQ  idct4narrow
	CONST(X13, X14, X15)
	VMOVQ 0(DX), X4
	VMOVQ 8(DX), X5
	VMOVQ 16(DX), X6
	VMOVQ 24(DX), X7
	IDCT(X4, X5, X6, X7, X0, X1, X2, X3, X8, X9, X13, X14, X15)
	ADD4(X4, X0)
	ADD4(X5, X0)
	ADD4(X6, X0)
	ADD4(X7, X0)
	RET

idct4narrow:
	CONST2
	MOVQ 0(DX), X0
	MOVQ 8(DX), X1
	MOVQ 16(DX), X2
	MOVQ 24(DX), X3
	IDCT2
	ADDROWS2(MOVL)
	RET

// A = R0+R3, B = R1+R2, C = R1-R2, D = R0-R3; R0 to R3 = A+B, C+D, A-B, D-C.
#define WHT(R0, R1, R2, R3, A, B, C, D) \
	VPADDW R3, R0, A; \
	VPADDW R2, R1, B; \
	VPSUBW R2, R1, C; \
	VPSUBW R3, R0, D; \
	VPADDW B, A, R0; \
	VPADDW D, C, R1; \
	VPSUBW B, A, R2; \
	VPSUBW C, D, R3

// One pass with SSE2: rows R0 to R3 become R0, R1, R2, T.
#define WHTPASS2(R0, R1, R2, R3, T) \
	MOVO  R0, T; \
	PADDW R3, R0; \
	PSUBW R3, T; \
	MOVO  R1, R3; \
	PADDW R2, R1; \
	PSUBW R2, R3; \
	MOVO  R0, R2; \
	PADDW R1, R0; \
	PSUBW R1, R2; \
	MOVO  T, R1; \
	PADDW R3, R1; \
	PSUBW R3, T

// func iwht(coef, y2 *int16)
TEXT ·iwht(SB), NOSPLIT, $0-16
	MOVQ         coef+0(FP), DI
	MOVQ         y2+8(FP), SI
	CMPB         ·useWide(SB), $0
	JEQ          iwhtnarrow
	VPBROADCASTD idctK<>+12(SB), X15
	VMOVQ        0(SI), X0
	VMOVQ        8(SI), X1
	VMOVQ        16(SI), X2
	VMOVQ        24(SI), X3
	WHT(X0, X1, X2, X3, X4, X5, X6, X7)

	// Columns become rows: lane i of X4 to X7 is row i.
	VPUNPCKLWD   X1, X0, X0
	VPUNPCKLWD   X3, X2, X2
	VPUNPCKLDQ   X2, X0, X4
	VPUNPCKHDQ   X2, X0, X6
	VPSRLDQ      $8, X4, X5
	VPSRLDQ      $8, X6, X7
	VPADDW       X15, X4, X4
	WHT(X4, X5, X6, X7, X0, X1, X2, X3)
	VPSRAW       $3, X4, X4
	VPSRAW       $3, X5, X5
	VPSRAW       $3, X6, X6
	VPSRAW       $3, X7, X7
	VPEXTRW      $0, X4, 0(DI)
	VPEXTRW      $0, X5, 32(DI)
	VPEXTRW      $0, X6, 64(DI)
	VPEXTRW      $0, X7, 96(DI)
	VPEXTRW      $1, X4, 128(DI)
	VPEXTRW      $1, X5, 160(DI)
	VPEXTRW      $1, X6, 192(DI)
	VPEXTRW      $1, X7, 224(DI)
	VPEXTRW      $2, X4, 256(DI)
	VPEXTRW      $2, X5, 288(DI)
	VPEXTRW      $2, X6, 320(DI)
	VPEXTRW      $2, X7, 352(DI)
	VPEXTRW      $3, X4, 384(DI)
	VPEXTRW      $3, X5, 416(DI)
	VPEXTRW      $3, X6, 448(DI)
	VPEXTRW      $3, X7, 480(DI)
	RET

iwhtnarrow:
	MOVQ      0(SI), X0
	MOVQ      8(SI), X1
	MOVQ      16(SI), X2
	MOVQ      24(SI), X3
	WHTPASS2(X0, X1, X2, X3, X4)
	PUNPCKLWL X1, X0
	PUNPCKLWL X4, X2
	MOVO      X0, X1
	PUNPCKLLQ X2, X0
	PUNPCKHLQ X2, X1
	MOVO      X0, X3
	PSRLO     $8, X3
	MOVO      X1, X5
	PSRLO     $8, X5
	MOVL      idctK<>+12(SB), X15
	PSHUFD    $0, X15, X15
	PADDW     X15, X0
	WHTPASS2(X0, X3, X1, X5, X4)
	PSRAW     $3, X0
	PSRAW     $3, X3
	PSRAW     $3, X1
	PSRAW     $3, X4
	PEXTRW $0, X0, AX
	MOVW   AX, 0(DI)
	PEXTRW $0, X3, AX
	MOVW   AX, 32(DI)
	PEXTRW $0, X1, AX
	MOVW   AX, 64(DI)
	PEXTRW $0, X4, AX
	MOVW   AX, 96(DI)
	PEXTRW $1, X0, AX
	MOVW   AX, 128(DI)
	PEXTRW $1, X3, AX
	MOVW   AX, 160(DI)
	PEXTRW $1, X1, AX
	MOVW   AX, 192(DI)
	PEXTRW $1, X4, AX
	MOVW   AX, 224(DI)
	PEXTRW $2, X0, AX
	MOVW   AX, 256(DI)
	PEXTRW $2, X3, AX
	MOVW   AX, 288(DI)
	PEXTRW $2, X1, AX
	MOVW   AX, 320(DI)
	PEXTRW $2, X4, AX
	MOVW   AX, 352(DI)
	PEXTRW $3, X0, AX
	MOVW   AX, 384(DI)
	PEXTRW $3, X3, AX
	MOVW   AX, 416(DI)
	PEXTRW $3, X1, AX
	MOVW   AX, 448(DI)
	PEXTRW $3, X4, AX
	MOVW   AX, 480(DI)
	RET
