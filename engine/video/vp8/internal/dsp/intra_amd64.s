//go:build !noasm

#include "textflag.h"

// func intraTM(dst *byte, ds int, above, left *byte, corner, n int)
TEXT ·intraTM(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         ds+8(FP), R8
	MOVQ         above+16(FP), SI
	MOVQ         left+24(FP), DX
	MOVQ         corner+32(FP), AX
	MOVQ         n+40(FP), CX
	VMOVD        AX, X0
	VPBROADCASTW X0, Y0
	CMPQ         CX, $16
	JNE          tm8
	VPMOVZXBW    (SI), Y1
	VPSUBW       Y0, Y1, Y1

tm16loop:
	MOVBLZX      (DX), AX
	VMOVD        AX, X2
	VPBROADCASTW X2, Y2
	VPADDW       Y1, Y2, Y2
	VEXTRACTI128 $1, Y2, X3
	VPACKUSWB    X3, X2, X2
	VMOVDQU      X2, (DI)
	ADDQ         R8, DI
	INCQ         DX
	DECQ         CX
	JNZ          tm16loop
	VZEROUPPER
	RET

tm8:
	VPMOVZXBW (SI), X1
	VPSUBW    X0, X1, X1

tm8loop:
	MOVBLZX      (DX), AX
	VMOVD        AX, X2
	VPBROADCASTW X2, X2
	VPADDW       X1, X2, X2
	VPACKUSWB    X2, X2, X2
	VMOVQ        X2, (DI)
	ADDQ         R8, DI
	INCQ         DX
	DECQ         CX
	JNZ          tm8loop
	VZEROUPPER
	RET
