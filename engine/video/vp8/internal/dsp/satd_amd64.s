//go:build !noasm

#include "textflag.h"

// AVX2 set (128-bit registers). X14 is zero, X15 holds words of 1.

// Rows of eight bytes at SI and DI become eight word differences in XD.
#define DIFF8(XD, XT) \
	VPMOVZXBW (SI), XD; \
	VPMOVZXBW (DI), XT; \
	VPSUBW    XT, XD, XD; \
	ADDQ      R8, SI; \
	ADDQ      R9, DI

#define DIFF4(XD, XT) \
	MOVL       (SI), XD; \
	MOVL       (DI), XT; \
	VPUNPCKLBW X14, XD, XD; \
	VPUNPCKLBW X14, XT, XT; \
	VPSUBW     XT, XD, XD; \
	ADDQ       R8, SI; \
	ADDQ       R9, DI

// Hadamard of the two 4x4 blocks in X0 to X3 (rows; lanes 0-3 and 4-7), whose
// magnitudes are added in pairs to the dwords of X13. The last butterfly is
// not done: |s+v| + |s-v| is twice the larger of |s| and |v|.
#define HADAMARD \
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
	VPMADDWD    X15, X0, X0; \
	VPADDD      X0, X13, X13

// The same of four blocks in Y0 to Y3.
#define HADAMARDWIDE \
	VPADDW      Y2, Y0, Y4; \
	VPSUBW      Y2, Y0, Y5; \
	VPADDW      Y3, Y1, Y6; \
	VPSUBW      Y3, Y1, Y7; \
	VPADDW      Y6, Y4, Y0; \
	VPSUBW      Y6, Y4, Y1; \
	VPADDW      Y7, Y5, Y2; \
	VPSUBW      Y7, Y5, Y3; \
	VPUNPCKLWD  Y1, Y0, Y4; \
	VPUNPCKHWD  Y1, Y0, Y5; \
	VPUNPCKLWD  Y3, Y2, Y6; \
	VPUNPCKHWD  Y3, Y2, Y7; \
	VPUNPCKLDQ  Y6, Y4, Y0; \
	VPUNPCKHDQ  Y6, Y4, Y1; \
	VPUNPCKLDQ  Y7, Y5, Y2; \
	VPUNPCKHDQ  Y7, Y5, Y3; \
	VPUNPCKLQDQ Y2, Y0, Y4; \
	VPUNPCKHQDQ Y2, Y0, Y5; \
	VPUNPCKLQDQ Y3, Y1, Y6; \
	VPUNPCKHQDQ Y3, Y1, Y7; \
	VPADDW      Y6, Y4, Y0; \
	VPSUBW      Y6, Y4, Y1; \
	VPADDW      Y7, Y5, Y2; \
	VPSUBW      Y7, Y5, Y3; \
	VPABSW      Y0, Y0; \
	VPABSW      Y1, Y1; \
	VPABSW      Y2, Y2; \
	VPABSW      Y3, Y3; \
	VPMAXSW     Y2, Y0, Y0; \
	VPMAXSW     Y3, Y1, Y1; \
	VPADDW      Y1, Y0, Y0; \
	VPMADDWD    Y15, Y0, Y0; \
	VPADDD      Y0, Y13, Y13

#define CONSTANTS \
	VPXOR    X14, X14, X14; \
	VPXOR    X13, X13, X13; \
	VPCMPEQW X15, X15, X15; \
	VPSRLW   $15, X15, X15

#define TOTAL \
	VPSHUFD $0x4e, X13, X0; \
	VPADDD  X0, X13, X13; \
	VPSHUFD $0xb1, X13, X0; \
	VPADDD  X0, X13, X13; \
	VMOVD   X13, AX

// func satd8xN(a *byte, as int, b *byte, bs, h int) uint32
TEXT ·satd8xN(SB), NOSPLIT, $0-44
	MOVQ a+0(FP), SI
	MOVQ as+8(FP), R8
	MOVQ b+16(FP), DI
	MOVQ bs+24(FP), R9
	MOVQ h+32(FP), CX
	CONSTANTS

satd8loop:
	DIFF8(X0, X4)
	DIFF8(X1, X4)
	DIFF8(X2, X4)
	DIFF8(X3, X4)
	HADAMARD
	SUBQ $4, CX
	JNZ  satd8loop
	TOTAL
	MOVL AX, ret+40(FP)
	RET

#define DIFF16(YD, YT) \
	VPMOVZXBW (SI), YD; \
	VPMOVZXBW (DI), YT; \
	VPSUBW    YT, YD, YD; \
	ADDQ      R8, SI; \
	ADDQ      R9, DI

// func satd16x16(a *byte, as int, b *byte, bs int) uint32
TEXT ·satd16x16(SB), NOSPLIT, $0-36
	MOVQ     a+0(FP), SI
	MOVQ     as+8(FP), R8
	MOVQ     b+16(FP), DI
	MOVQ     bs+24(FP), R9
	MOVQ     $4, CX
	VPXOR    Y13, Y13, Y13
	VPCMPEQW Y15, Y15, Y15
	VPSRLW   $15, Y15, Y15

satd16loop:
	DIFF16(Y0, Y4)
	DIFF16(Y1, Y4)
	DIFF16(Y2, Y4)
	DIFF16(Y3, Y4)
	HADAMARDWIDE
	DECQ         CX
	JNZ          satd16loop
	VEXTRACTI128 $1, Y13, X0
	VPADDD       X0, X13, X13
	TOTAL
	VZEROUPPER
	MOVL         AX, ret+32(FP)
	RET

// func satd4x4(a *byte, as int, b *byte, bs int) uint32
// The second block of the pair is zero.
TEXT ·satd4x4(SB), NOSPLIT, $0-36
	MOVQ a+0(FP), SI
	MOVQ as+8(FP), R8
	MOVQ b+16(FP), DI
	MOVQ bs+24(FP), R9
	CONSTANTS
	DIFF4(X0, X4)
	DIFF4(X1, X4)
	DIFF4(X2, X4)
	DIFF4(X3, X4)
	HADAMARD
	TOTAL
	MOVL AX, ret+32(FP)
	RET
