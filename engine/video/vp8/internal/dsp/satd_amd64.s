//go:build !noasm

#include "textflag.h"

// X14 is zero, X15 holds words of 1. AVX2 first (most of it on 128-bit
// registers), SSE2 below.

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

// Sums of neighbouring samples in the low half of a register and differences in
// the high half: the first butterfly of the rows.
DATA satdPairs<>+0(SB)/8, $0x0101010101010101
DATA satdPairs<>+8(SB)/8, $0x0101010101010101
DATA satdPairs<>+16(SB)/8, $0xff01ff01ff01ff01
DATA satdPairs<>+24(SB)/8, $0xff01ff01ff01ff01
GLOBL satdPairs<>(SB), RODATA, $32

// The first butterfly of a row's difference, 16 samples, in YD.
#define PAIRS16(PA, PB, YD) \
	VBROADCASTI128 PA, YD; \
	VBROADCASTI128 PB, Y4; \
	VPMADDUBSW     Y12, YD, YD; \
	VPMADDUBSW     Y12, Y4, Y4; \
	VPSUBW         Y4, YD, YD

// The larger of the magnitudes of neighbouring words of YA and YB, in YA.
#define LARGER(YA, YB) \
	VPSRLD   $16, YA, Y4; \
	VPSLLD   $16, YB, Y5; \
	VPBLENDW $0xaa, Y5, YA, YA; \
	VPBLENDW $0xaa, YB, Y4, Y4; \
	VPMAXSW  Y4, YA, YA

// The last butterfly, as above, leaves the larger of two neighbours; the words of
// Y13 take four blocks of rows.
#define HADAMARD16 \
	PAIRS16((SI), (DI), Y0); \
	PAIRS16((SI)(R8*1), (DI)(R9*1), Y1); \
	PAIRS16((SI)(R8*2), (DI)(R9*2), Y2); \
	PAIRS16((SI)(R10*1), (DI)(R11*1), Y3); \
	LEAQ   (SI)(R8*4), SI; \
	LEAQ   (DI)(R9*4), DI; \
	VPADDW Y1, Y0, Y4; \
	VPSUBW Y1, Y0, Y5; \
	VPADDW Y3, Y2, Y6; \
	VPSUBW Y3, Y2, Y7; \
	VPADDW Y6, Y4, Y0; \
	VPSUBW Y6, Y4, Y1; \
	VPADDW Y7, Y5, Y2; \
	VPSUBW Y7, Y5, Y3; \
	VPABSW Y0, Y0; \
	VPABSW Y1, Y1; \
	VPABSW Y2, Y2; \
	VPABSW Y3, Y3; \
	LARGER(Y0, Y1); \
	LARGER(Y2, Y3); \
	VPADDW Y0, Y13, Y13; \
	VPADDW Y2, Y13, Y13

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

// The same with SSE2.
#define DIFF82(XD, XT) \
	MOVQ      (SI), XD; \
	MOVQ      (DI), XT; \
	PUNPCKLBW X14, XD; \
	PUNPCKLBW X14, XT; \
	PSUBW     XT, XD; \
	ADDQ      R8, SI; \
	ADDQ      R9, DI

#define DIFF42(XD, XT) \
	MOVL      (SI), XD; \
	MOVL      (DI), XT; \
	PUNPCKLBW X14, XD; \
	PUNPCKLBW X14, XT; \
	PSUBW     XT, XD; \
	ADDQ      R8, SI; \
	ADDQ      R9, DI

#define MAGNITUDE2(X, T) \
	MOVO   X14, T; \
	PSUBW  X, T; \
	PMAXSW T, X

#define HADAMARD2 \
	MOVO       X0, X4; \
	PADDW      X2, X0; \
	PSUBW      X2, X4; \
	MOVO       X1, X5; \
	PADDW      X3, X1; \
	PSUBW      X3, X5; \
	MOVO       X0, X2; \
	PADDW      X1, X0; \
	PSUBW      X1, X2; \
	MOVO       X4, X3; \
	PADDW      X5, X4; \
	PSUBW      X5, X3; \
	MOVO       X0, X1; \
	PUNPCKLWL  X2, X0; \
	PUNPCKHWL  X2, X1; \
	MOVO       X4, X5; \
	PUNPCKLWL  X3, X4; \
	PUNPCKHWL  X3, X5; \
	MOVO       X0, X2; \
	PUNPCKLLQ  X4, X0; \
	PUNPCKHLQ  X4, X2; \
	MOVO       X1, X3; \
	PUNPCKLLQ  X5, X1; \
	PUNPCKHLQ  X5, X3; \
	MOVO       X0, X4; \
	PUNPCKLQDQ X1, X0; \
	PUNPCKHQDQ X1, X4; \
	MOVO       X2, X5; \
	PUNPCKLQDQ X3, X2; \
	PUNPCKHQDQ X3, X5; \
	MOVO       X0, X1; \
	PADDW      X2, X0; \
	PSUBW      X2, X1; \
	MOVO       X4, X3; \
	PADDW      X5, X4; \
	PSUBW      X5, X3; \
	MAGNITUDE2(X0, X6); \
	MAGNITUDE2(X1, X7); \
	MAGNITUDE2(X4, X6); \
	MAGNITUDE2(X3, X7); \
	PMAXSW     X4, X0; \
	PMAXSW     X3, X1; \
	PADDW      X1, X0; \
	PMADDWL    X15, X0; \
	PADDL      X0, X13

#define CONSTANTS2 \
	PXOR    X14, X14; \
	PXOR    X13, X13; \
	PCMPEQW X15, X15; \
	PSRLW   $15, X15

#define TOTAL2 \
	PSHUFD $0x4e, X13, X0; \
	PADDL  X0, X13; \
	PSHUFD $0xb1, X13, X0; \
	PADDL  X0, X13; \
	MOVL   X13, AX

// func satd8xN(a *byte, as int, b *byte, bs, h int) uint32
TEXT ·satd8xN(SB), NOSPLIT, $0-44
	MOVQ a+0(FP), SI
	MOVQ as+8(FP), R8
	MOVQ b+16(FP), DI
	MOVQ bs+24(FP), R9
	MOVQ h+32(FP), CX
	CMPB ·useWide(SB), $0
	JEQ  satd8narrow
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

satd8narrow:
	CONSTANTS2

satd8narrowLoop:
	DIFF82(X0, X4)
	DIFF82(X1, X4)
	DIFF82(X2, X4)
	DIFF82(X3, X4)
	HADAMARD2
	SUBQ $4, CX
	JNZ  satd8narrowLoop
	TOTAL2
	MOVL AX, ret+40(FP)
	RET

// func satd16x16(a *byte, as int, b *byte, bs int) uint32
TEXT ·satd16x16(SB), NOSPLIT, $0-36
	MOVQ     a+0(FP), SI
	MOVQ     as+8(FP), R8
	MOVQ     b+16(FP), DI
	MOVQ     bs+24(FP), R9
	CMPB     ·useWide(SB), $0
	JEQ      satd16narrow
	LEAQ     (R8)(R8*2), R10
	LEAQ     (R9)(R9*2), R11
	VMOVDQU  satdPairs<>(SB), Y12
	VPXOR    Y13, Y13, Y13
	VPCMPEQW Y15, Y15, Y15
	VPSRLW   $15, Y15, Y15
	HADAMARD16
	HADAMARD16
	HADAMARD16
	HADAMARD16
	VPMADDWD     Y15, Y13, Y13
	VEXTRACTI128 $1, Y13, X0
	VPADDD       X0, X13, X13
	TOTAL
	VZEROUPPER
	MOVL         AX, ret+32(FP)
	RET

satd16narrow:
	CONSTANTS2
	LEAQ 8(SI), R10
	LEAQ 8(DI), R11
	MOVQ $8, CX

	// First the left half, then the right one.
satd16narrowLoop:
	DIFF82(X0, X4)
	DIFF82(X1, X4)
	DIFF82(X2, X4)
	DIFF82(X3, X4)
	HADAMARD2
	DECQ CX
	JZ   satd16narrowDone
	CMPQ CX, $4
	JNE  satd16narrowLoop
	MOVQ R10, SI
	MOVQ R11, DI
	JMP  satd16narrowLoop

satd16narrowDone:
	TOTAL2
	MOVL AX, ret+32(FP)
	RET

// func satd4x4(a *byte, as int, b *byte, bs int) uint32
// The second block of the pair is zero.
TEXT ·satd4x4(SB), NOSPLIT, $0-36
	MOVQ a+0(FP), SI
	MOVQ as+8(FP), R8
	MOVQ b+16(FP), DI
	MOVQ bs+24(FP), R9
	CMPB ·useWide(SB), $0
	JEQ  satd4narrow
	CONSTANTS
	DIFF4(X0, X4)
	DIFF4(X1, X4)
	DIFF4(X2, X4)
	DIFF4(X3, X4)
	HADAMARD
	TOTAL
	MOVL AX, ret+32(FP)
	RET

satd4narrow:
	CONSTANTS2
	DIFF42(X0, X4)
	DIFF42(X1, X4)
	DIFF42(X2, X4)
	DIFF42(X3, X4)
	HADAMARD2
	TOTAL2
	MOVL AX, ret+32(FP)
	RET
