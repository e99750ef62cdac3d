//go:build !noasm

#include "textflag.h"

// AVX2 set. P: samples as words, A: average; S the shift, L and M the limit and
// its negative, R words of 64. Leaves the new average in A, samples in P.
#define AVERAGE(P, A, D, T, U, S, L, M, R) \
	VPSLLW   $7, P, P; \
	VPSUBW   A, P, D; \
	VPCMPGTW L, D, T; \
	VPCMPGTW D, M, U; \
	VPOR     U, T, T; \
	VPSRAW   S, D, D; \
	VPADDW   D, A, A; \
	VPBLENDVB T, P, A, A; \
	VPADDW   R, A, P; \
	VPSRAW   $7, P, P

DATA averageK<>+0(SB)/4, $0x00400040
GLOBL averageK<>(SB), RODATA, $4

// func averageAVX2(avgQ7 *uint16, pix *byte, stride, w, h, shift, limitQ7 int)
TEXT ·averageAVX2(SB), NOSPLIT, $0-56
	MOVQ         avgQ7+0(FP), DI
	MOVQ         pix+8(FP), SI
	MOVQ         stride+16(FP), R8
	MOVQ         w+24(FP), BX
	MOVQ         h+32(FP), CX
	MOVQ         shift+40(FP), AX
	VMOVQ        AX, X8
	MOVQ         limitQ7+48(FP), AX
	VMOVD        AX, X9
	VPBROADCASTW X9, Y9
	VPXOR        Y10, Y10, Y10
	VPSUBW       Y9, Y10, Y10
	VPBROADCASTD averageK<>(SB), Y11
	LEAQ         (R8)(R8*1), R9
	CMPQ         BX, $16
	JNE          average8

average16:
	VPMOVZXBW    (SI), Y0
	VMOVDQU      (DI), Y1
	AVERAGE(Y0, Y1, Y2, Y3, Y4, X8, Y9, Y10, Y11)
	VMOVDQU      Y1, (DI)
	VEXTRACTI128 $1, Y0, X2
	VPACKUSWB    X2, X0, X0
	VMOVDQU      X0, (SI)
	ADDQ         R8, SI
	ADDQ         R9, DI
	DECQ         CX
	JNZ          average16
	VZEROUPPER
	RET

average8:
	VPMOVZXBW (SI), X0
	VMOVDQU   (DI), X1
	AVERAGE(X0, X1, X2, X3, X4, X8, X9, X10, X11)
	VMOVDQU   X1, (DI)
	VPACKUSWB X0, X0, X0
	VMOVQ     X0, (SI)
	ADDQ      R8, SI
	ADDQ      R9, DI
	DECQ      CX
	JNZ       average8
	VZEROUPPER
	RET
