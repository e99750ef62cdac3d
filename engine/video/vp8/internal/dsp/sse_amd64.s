//go:build !noasm

#include "textflag.h"

// SSE2. |a-b| of 16 bytes is max(a-b,0)|max(b-a,0); its words squared and
// added in pairs give the sum of squares, and the sum of the differences is
// the sum of a less that of b (PSADBW against zero).
// X0 squares, X1 sum of a, X2 sum of b, X7 zero. XA, XB: samples, XC, XD lost.
#define DIFF16(XA, XB, XC, XD) \
	MOVO      XA, XC; \
	MOVO      XB, XD; \
	PSUBUSB   XB, XC; \
	PSUBUSB   XA, XD; \
	POR       XD, XC; \
	PSADBW    X7, XA; \
	PSADBW    X7, XB; \
	PADDL     XA, X1; \
	PADDL     XB, X2; \
	MOVO      XC, XD; \
	PUNPCKLBW X7, XC; \
	PUNPCKHBW X7, XD; \
	PMADDWL   XC, XC; \
	PMADDWL   XD, XD; \
	PADDL     XC, X0; \
	PADDL     XD, X0

// Folds X0 to AX, X1 - X2 to BX.
#define FOLD \
	PSHUFD $0x4e, X0, X3; \
	PADDL  X3, X0; \
	PSHUFD $0xb1, X0, X3; \
	PADDL  X3, X0; \
	PSUBL  X2, X1; \
	PSHUFD $0x4e, X1, X3; \
	PADDL  X3, X1; \
	MOVL   X0, AX; \
	MOVL   X1, BX

#define CLEAR \
	PXOR X0, X0; \
	PXOR X1, X1; \
	PXOR X2, X2; \
	PXOR X7, X7

// AVX2: the words a-b of a row in YD, their squares added in pairs to Y0, they
// themselves to Y1; a column of 16 of them fits a word.
#define WIDEROW(YD, YT) \
	VPMOVZXBW (SI), YD; \
	VPMOVZXBW (DI), YT; \
	VPSUBW    YT, YD, YD; \
	ADDQ      R8, SI; \
	ADDQ      R9, DI; \
	VPADDW    YD, Y1, Y1; \
	VPMADDWD  YD, YD, YD; \
	VPADDD    YD, Y0, Y0

// WIDEROW at a place given by PA and PB, which stays.
#define WIDEAT(PA, PB) \
	VPMOVZXBW PA, Y2; \
	VPMOVZXBW PB, Y3; \
	VPSUBW    Y3, Y2, Y2; \
	VPADDW    Y2, Y1, Y1; \
	VPMADDWD  Y2, Y2, Y2; \
	VPADDD    Y2, Y0, Y0

// Four rows; R12 and R13 hold three times the strides.
#define WIDEROWS4 \
	WIDEAT((SI), (DI)); \
	WIDEAT((SI)(R8*1), (DI)(R9*1)); \
	WIDEAT((SI)(R8*2), (DI)(R9*2)); \
	WIDEAT((SI)(R12*1), (DI)(R13*1)); \
	LEAQ (SI)(R8*4), SI; \
	LEAQ (DI)(R9*4), DI

#define WIDESTRIDES \
	LEAQ (R8)(R8*2), R12; \
	LEAQ (R9)(R9*2), R13

#define WIDECLEAR \
	VPXOR Y0, Y0, Y0; \
	VPXOR Y1, Y1, Y1

// Leaves in the low dwords of both halves of Y0 the squares' sum and the words',
// of that half each. Y15 holds words of 1.
#define WIDEFOLD \
	VPMADDWD Y15, Y1, Y1; \
	VPHADDD  Y1, Y0, Y0; \
	VPHADDD  Y0, Y0, Y0

#define WIDEONES \
	VPCMPEQW Y15, Y15, Y15; \
	VPSRLW   $15, Y15, Y15

// func diff16xN(a *byte, as int, b *byte, bs, h int) (sse uint32, sum int32)
TEXT ·diff16xN(SB), NOSPLIT, $0-48
	MOVQ a+0(FP), SI
	MOVQ as+8(FP), R8
	MOVQ b+16(FP), DI
	MOVQ bs+24(FP), R9
	MOVQ h+32(FP), CX
	CMPB ·useWide(SB), $0
	JNE  diff16wide
	CLEAR

diff16loop:
	MOVOU (SI), X3
	MOVOU (DI), X4
	DIFF16(X3, X4, X5, X6)
	ADDQ  R8, SI
	ADDQ  R9, DI
	DECQ  CX
	JNZ   diff16loop
	FOLD
	MOVL  AX, sse+40(FP)
	MOVL  BX, sum+44(FP)
	RET

diff16wide:
	WIDECLEAR
	WIDEONES
	TESTQ $15, CX
	JNE   diff16wideLoop
	WIDESTRIDES

diff16wideSixteen:
	WIDEROWS4
	WIDEROWS4
	WIDEROWS4
	WIDEROWS4
	SUBQ $16, CX
	JNZ  diff16wideSixteen
	JMP  diff16wideFold

diff16wideLoop:
	WIDEROW(Y2, Y3)
	DECQ         CX
	JNZ          diff16wideLoop

diff16wideFold:
	WIDEFOLD
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VMOVQ        X0, AX
	VZEROUPPER
	MOVL         AX, sse+40(FP)
	SHRQ         $32, AX
	MOVL         AX, sum+44(FP)
	RET

// func diff8xN(a *byte, as int, b *byte, bs, h int) (sse uint32, sum int32)
// h is even.
TEXT ·diff8xN(SB), NOSPLIT, $0-48
	MOVQ a+0(FP), SI
	MOVQ as+8(FP), R8
	MOVQ b+16(FP), DI
	MOVQ bs+24(FP), R9
	MOVQ h+32(FP), CX
	CMPB ·useWide(SB), $0
	JNE  diff8wide
	CLEAR

diff8loop:
	MOVQ   (SI), X3
	MOVHPS (SI)(R8*1), X3
	MOVQ   (DI), X4
	MOVHPS (DI)(R9*1), X4
	DIFF16(X3, X4, X5, X6)
	LEAQ   (SI)(R8*2), SI
	LEAQ   (DI)(R9*2), DI
	SUBQ   $2, CX
	JNZ    diff8loop
	FOLD
	MOVL   AX, sse+40(FP)
	MOVL   BX, sum+44(FP)
	RET

	// Two rows in a register.
diff8wide:
	WIDECLEAR
	WIDEONES

diff8wideLoop:
	VMOVQ     (SI), X2
	VMOVHPS   (SI)(R8*1), X2, X2
	VMOVQ     (DI), X3
	VMOVHPS   (DI)(R9*1), X3, X3
	VPMOVZXBW X2, Y2
	VPMOVZXBW X3, Y3
	VPSUBW    Y3, Y2, Y2
	LEAQ      (SI)(R8*2), SI
	LEAQ      (DI)(R9*2), DI
	VPADDW    Y2, Y1, Y1
	VPMADDWD  Y2, Y2, Y2
	VPADDD    Y2, Y0, Y0
	SUBQ      $2, CX
	JNZ       diff8wideLoop
	WIDEFOLD
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VMOVQ        X0, AX
	VZEROUPPER
	MOVL         AX, sse+40(FP)
	SHRQ         $32, AX
	MOVL         AX, sum+44(FP)
	RET

// func sse4x4(a *byte, as int, b *byte, bs int) uint32
TEXT ·sse4x4(SB), NOSPLIT, $0-36
	MOVQ       a+0(FP), SI
	MOVQ       as+8(FP), R8
	MOVQ       b+16(FP), DI
	MOVQ       bs+24(FP), R9
	CLEAR
	MOVL       (SI), X3
	MOVL       (SI)(R8*1), X5
	PUNPCKLLQ  X5, X3
	LEAQ       (SI)(R8*2), SI
	MOVL       (SI), X4
	MOVL       (SI)(R8*1), X5
	PUNPCKLLQ  X5, X4
	PUNPCKLQDQ X4, X3
	MOVL       (DI), X4
	MOVL       (DI)(R9*1), X5
	PUNPCKLLQ  X5, X4
	LEAQ       (DI)(R9*2), DI
	MOVL       (DI), X6
	MOVL       (DI)(R9*1), X5
	PUNPCKLLQ  X5, X6
	PUNPCKLQDQ X6, X4
	DIFF16(X3, X4, X5, X6)
	FOLD
	MOVL       AX, ret+32(FP)
	RET

// func quadrants(a *byte, as int, b *byte, bs int, sse *[4]uint32, sum *[4]int32)
TEXT ·quadrants(SB), NOSPLIT, $0-48
	MOVQ a+0(FP), SI
	MOVQ as+8(FP), R8
	MOVQ b+16(FP), DI
	MOVQ bs+24(FP), R9
	MOVQ sse+32(FP), R10
	MOVQ sum+40(FP), R11
	CMPB ·useWide(SB), $0
	JNE  quadwide
	MOVQ $4, DX

quadloop:
	CLEAR
	MOVQ SI, R12
	MOVQ DI, R13
	MOVQ $4, CX

quadrows:
	MOVQ   (R12), X3
	MOVHPS (R12)(R8*1), X3
	MOVQ   (R13), X4
	MOVHPS (R13)(R9*1), X4
	DIFF16(X3, X4, X5, X6)
	LEAQ   (R12)(R8*2), R12
	LEAQ   (R13)(R9*2), R13
	DECQ   CX
	JNZ    quadrows
	FOLD
	MOVL   AX, (R10)
	MOVL   BX, (R11)
	ADDQ   $4, R10
	ADDQ   $4, R11

	// Quadrants 0, 1 lie side by side, 2 and 3 eight rows below.
	ADDQ   $8, SI
	ADDQ   $8, DI
	CMPQ   DX, $3
	JNE    quadnext
	LEAQ   -16(SI)(R8*8), SI
	LEAQ   -16(DI)(R9*8), DI

quadnext:
	DECQ DX
	JNZ  quadloop
	RET

quadwide:
	WIDEONES
	WIDESTRIDES
	MOVQ $2, DX

quadwideHalf:
	WIDECLEAR
	WIDEROWS4
	WIDEROWS4
	WIDEFOLD
	VEXTRACTI128 $1, Y0, X1
	VMOVD        X0, (R10)
	VMOVD        X1, 4(R10)
	VPEXTRD      $1, X0, (R11)
	VPEXTRD      $1, X1, 4(R11)
	ADDQ         $8, R10
	ADDQ         $8, R11
	DECQ         DX
	JNZ          quadwideHalf
	VZEROUPPER
	RET
