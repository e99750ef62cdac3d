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

// func intraH(dst *byte, ds int, left *byte, n int)
TEXT ·intraH(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ ds+8(FP), R8
	MOVQ left+16(FP), DX
	MOVQ n+24(FP), CX
	CMPQ CX, $16
	JNE  h8loop

h16loop:
	VPBROADCASTB (DX), X0
	VPBROADCASTB 1(DX), X1
	VMOVDQU      X0, (DI)
	VMOVDQU      X1, (DI)(R8*1)
	LEAQ         (DI)(R8*2), DI
	ADDQ         $2, DX
	SUBQ         $2, CX
	JNZ          h16loop
	RET

h8loop:
	VPBROADCASTB (DX), X0
	VPBROADCASTB 1(DX), X1
	VMOVQ        X0, (DI)
	VMOVQ        X1, (DI)(R8*1)
	LEAQ         (DI)(R8*2), DI
	ADDQ         $2, DX
	SUBQ         $2, CX
	JNZ          h8loop
	RET

// Rows of two predictions in XP and XQ against the source rows in X8 to X11, each
// of which stands twice: magnitudes are summed in pairs to the dwords of XOUT, two
// for each prediction. The last butterfly is not done: |s+v| + |s-v| is twice the
// larger of |s| and |v|. X14 is zero, X15 holds words of 1.
#define SEARCHPAIR(XP, XQ, XOUT) \
	VPUNPCKLDQ  XQ, XP, X4; \
	VPUNPCKHDQ  XQ, XP, X5; \
	VPUNPCKLBW  X14, X4, X0; \
	VPUNPCKHBW  X14, X4, X1; \
	VPUNPCKLBW  X14, X5, X2; \
	VPUNPCKHBW  X14, X5, X3; \
	VPSUBW      X0, X8, X0; \
	VPSUBW      X1, X9, X1; \
	VPSUBW      X2, X10, X2; \
	VPSUBW      X3, X11, X3; \
	VPADDW      X2, X0, X4; \
	VPSUBW      X2, X0, X5; \
	VPADDW      X3, X1, X6; \
	VPSUBW      X3, X1, X7; \
	VPADDW      X6, X4, X0; \
	VPSUBW      X6, X4, X1; \
	VPADDW      X7, X5, X2; \
	VPSUBW      X7, X5, X3; \
	VPUNPCKLWD  X1, X0, X4; \
	VPUNPCKHWD  X1, X0, X5; \
	VPUNPCKLWD  X3, X2, X6; \
	VPUNPCKHWD  X3, X2, X7; \
	VPUNPCKLDQ  X6, X4, X0; \
	VPUNPCKHDQ  X6, X4, X1; \
	VPUNPCKLDQ  X7, X5, X2; \
	VPUNPCKHDQ  X7, X5, X3; \
	VPUNPCKLQDQ X2, X0, X4; \
	VPUNPCKHQDQ X2, X0, X5; \
	VPUNPCKLQDQ X3, X1, X6; \
	VPUNPCKHQDQ X3, X1, X7; \
	VPADDW      X6, X4, X0; \
	VPSUBW      X6, X4, X1; \
	VPADDW      X7, X5, X2; \
	VPSUBW      X7, X5, X3; \
	VPABSW      X0, X0; \
	VPABSW      X1, X1; \
	VPABSW      X2, X2; \
	VPABSW      X3, X3; \
	VPMAXSW     X2, X0, X0; \
	VPMAXSW     X3, X1, X1; \
	VPADDW      X1, X0, X0; \
	VPMADDWD    X15, X0, XOUT

#define SOURCEROW(XD) \
	VPBROADCASTD (SI), XD; \
	VPUNPCKLBW   X14, XD, XD; \
	ADDQ         R8, SI

// func intra4Search(satd *uint32, preds, edge, src *byte, ss int)
// X12 are the three-tap means, X13 the two-tap means.
TEXT ·intra4Search(SB), NOSPLIT, $0-40
	MOVQ        satd+0(FP), DI
	MOVQ        preds+8(FP), BX
	MOVQ        edge+16(FP), DX
	MOVQ        src+24(FP), SI
	MOVQ        ss+32(FP), R8
	LEAQ        ·intra4Table(SB), AX
	VPXOR       X14, X14, X14
	VPCMPEQW    X15, X15, X15
	VPSRLW      $15, X15, X15
	SOURCEROW(X8)
	SOURCEROW(X9)
	SOURCEROW(X10)
	SOURCEROW(X11)
	VMOVQ       (DX), X0
	VMOVQ       5(DX), X1
	VPUNPCKLQDQ X1, X0, X0
	VPSHUFB     (AX), X0, X1
	VPSHUFB     16(AX), X0, X2
	VPSHUFB     32(AX), X0, X3

	// The mean of both neighbours, rounded down: less the bit that was rounded.
	VPXOR     X3, X2, X4
	VPACKUSWB X15, X15, X5
	VPAND     X5, X4, X4
	VPAVGB    X3, X2, X2
	VPSUBB    X4, X2, X2
	VPAVGB    X2, X1, X12
	VPAVGB    X3, X1, X13

	// DC.
	VPSHUFB      48(AX), X1, X2
	VPSADBW      X14, X2, X2
	VMOVD        X2, CX
	ADDL         $4, CX
	SHRL         $3, CX
	VMOVD        CX, X2
	VPBROADCASTB X2, X2
	VMOVDQU      X2, (BX)

	// TM.
	VPSHUFB      64(AX), X1, X3
	VPSHUFB      80(AX), X1, X4
	MOVBLZX      4(DX), CX
	VMOVD        CX, X5
	VPBROADCASTW X5, X5
	VPUNPCKLBW   X14, X3, X6
	VPUNPCKHBW   X14, X3, X3
	VPUNPCKLBW   X14, X4, X7
	VPUNPCKHBW   X14, X4, X4
	VPADDW       X7, X6, X6
	VPADDW       X4, X3, X3
	VPSUBW       X5, X6, X6
	VPSUBW       X5, X3, X3
	VPACKUSWB    X3, X6, X3
	VMOVDQU      X3, 16(BX)
	SEARCHPAIR(X2, X3, X0)
	VPHADDD      X0, X0, X0
	VMOVQ        X0, (DI)
	MOVQ         $4, CX

search4loop:
	// Indexes of 16 and more have to miss the first vector, those below the
	// second: a set bit 7 does that.
	VMOVDQU     96(AX), X4
	VPADDB      ·search4Bytes70(SB), X4, X7
	VPSHUFB     X7, X12, X2
	VPSUBB      ·search4Bytes10(SB), X4, X4
	VPSHUFB     X4, X13, X4
	VPOR        X4, X2, X2
	VMOVDQU     X2, 32(BX)
	VMOVDQU     112(AX), X4
	VPADDB      ·search4Bytes70(SB), X4, X7
	VPSHUFB     X7, X12, X3
	VPSUBB      ·search4Bytes10(SB), X4, X4
	VPSHUFB     X4, X13, X4
	VPOR        X4, X3, X3
	VMOVDQU     X3, 48(BX)
	SEARCHPAIR(X2, X3, X0)
	VPHADDD     X0, X0, X0
	VMOVQ       X0, 8(DI)
	ADDQ        $32, AX
	ADDQ        $32, BX
	ADDQ        $8, DI
	DECQ        CX
	JNZ         search4loop
	RET

DATA ·search4Bytes10+0(SB)/8, $0x1010101010101010
DATA ·search4Bytes10+8(SB)/8, $0x1010101010101010
GLOBL ·search4Bytes10(SB), RODATA|NOPTR, $16

DATA ·search4Bytes70+0(SB)/8, $0x7070707070707070
DATA ·search4Bytes70+8(SB)/8, $0x7070707070707070
GLOBL ·search4Bytes70(SB), RODATA|NOPTR, $16
