//go:build !noasm

#include "textflag.h"

// AVX2 and SSE2. Macros of the former take their registers, so that they serve 128-bit (two
// blocks side by side) and 256-bit registers (four: two in each half).

// Words (sin, cos), (-cos, sin) in Q12; roundings; see fdct_generic.go.
DATA fdctK<>+0(SB)/4, $0x14e808a9
DATA fdctK<>+4(SB)/4, $0x08a9eb18
DATA fdctK<>+8(SB)/4, $0x00000800
DATA fdctK<>+12(SB)/4, $0x00008000
DATA fdctK<>+16(SB)/4, $0x00070007
GLOBL fdctK<>(SB), RODATA, $20

// Transposes the 4x4 words of each half register: rows A to D give columns
// T0 to T3. A to D are lost.
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

// The odd half: O1 = (c*sin + d*cos + R) >> SH, O3 = (d*sin - c*cos + R) >> SH.
// C and D are lost; K1, K2, R as broadcast from fdctK.
#define ROTATE(C, D, O1, O3, L, H, K1, K2, R, SH) \
	VPUNPCKLWD D, C, L; \
	VPUNPCKHWD D, C, H; \
	VPMADDWD   K1, L, C; \
	VPMADDWD   K1, H, D; \
	VPADDD     R, C, C; \
	VPADDD     R, D, D; \
	VPSRAD     SH, C, C; \
	VPSRAD     SH, D, D; \
	VPACKSSDW  D, C, O1; \
	VPMADDWD   K2, L, L; \
	VPMADDWD   K2, H, H; \
	VPADDD     R, L, L; \
	VPADDD     R, H, H; \
	VPSRAD     SH, L, L; \
	VPSRAD     SH, H, H; \
	VPACKSSDW  H, L, O3

// Sums and differences: A = T0+T3, B = T1+T2, C = T1-T2, D = T0-T3.
#define BUTTERFLY(T0, T1, T2, T3, A, B, C, D) \
	VPADDW T3, T0, A; \
	VPADDW T2, T1, B; \
	VPSUBW T2, T1, C; \
	VPSUBW T3, T0, D

// From residual rows A to D to coefficient rows T0 to T3.
#define FDCT(A, B, C, D, T0, T1, T2, T3, L, H, K1, K2, R1, R2, W7) \
	TRANSPOSE(A, B, C, D, T0, T1, T2, T3); \
	BUTTERFLY(T0, T1, T2, T3, A, B, C, D); \
	VPSLLW $3, A, A; \
	VPSLLW $3, B, B; \
	VPSLLW $3, C, C; \
	VPSLLW $3, D, D; \
	VPADDW B, A, T0; \
	VPSUBW B, A, T2; \
	ROTATE(C, D, T1, T3, L, H, K1, K2, R1, $12); \
	TRANSPOSE(T0, T1, T2, T3, A, B, C, D); \
	BUTTERFLY(A, B, C, D, T0, T1, T2, L); \
	VPADDW T1, T0, A; \
	VPSUBW T1, T0, C; \
	VPADDW W7, A, A; \
	VPADDW W7, C, C; \
	VPSRAW $4, A, T0; \
	ROTATE(T2, L, T1, T3, H, B, K1, K2, R2, $16); \
	VPSRAW $4, C, T2

#define FDCTARGS \
	MOVQ coef+0(FP), DX; \
	MOVQ src+8(FP), SI; \
	MOVQ ss+16(FP), R8; \
	MOVQ pred+24(FP), DI; \
	MOVQ ps+32(FP), R9

#define FDCTCONST(K1, K2, R1, R2, W7) \
	VPBROADCASTD fdctK<>+0(SB), K1; \
	VPBROADCASTD fdctK<>+4(SB), K2; \
	VPBROADCASTD fdctK<>+8(SB), R1; \
	VPBROADCASTD fdctK<>+12(SB), R2; \
	VPBROADCASTD fdctK<>+16(SB), W7

#define RESIDUALROW(D, T) \
	VPMOVZXBW (SI), D; \
	VPMOVZXBW (DI), T; \
	VPSUBW    T, D, D; \
	ADDQ      R8, SI; \
	ADDQ      R9, DI


// The same with SSE2: two blocks side by side. X15 is zero.

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

// C and D become the odd rows X1 and X7; X3, X5 and X6 are lost.
#define ROTATE2(R, SH) \
	MOVO      X6, X7; \
	PUNPCKLWL X5, X7; \
	PUNPCKHWL X5, X6; \
	MOVO      X7, X1; \
	MOVO      X6, X3; \
	PMADDWL   X10, X1; \
	PMADDWL   X10, X3; \
	PADDL     R, X1; \
	PADDL     R, X3; \
	PSRAL     SH, X1; \
	PSRAL     SH, X3; \
	PACKSSLW  X3, X1; \
	PMADDWL   X11, X7; \
	PMADDWL   X11, X6; \
	PADDL     R, X7; \
	PADDL     R, X6; \
	PSRAL     SH, X7; \
	PSRAL     SH, X6; \
	PACKSSLW  X6, X7

// Residual rows X0 to X3 become coefficient rows X0, X1, X2, X7.
#define FDCT2 \
	TRANSPOSE2(X0, X1, X2, X3, X4); \
	MOVO  X0, X5; \
	PADDW X4, X0; \
	PSUBW X4, X5; \
	MOVO  X1, X6; \
	PADDW X3, X1; \
	PSUBW X3, X6; \
	PSLLW $3, X0; \
	PSLLW $3, X1; \
	PSLLW $3, X5; \
	PSLLW $3, X6; \
	MOVO  X0, X2; \
	PADDW X1, X0; \
	PSUBW X1, X2; \
	ROTATE2(X12, $12); \
	TRANSPOSE2(X0, X1, X2, X7, X4); \
	MOVO  X0, X5; \
	PADDW X4, X0; \
	PSUBW X4, X5; \
	MOVO  X1, X6; \
	PADDW X7, X1; \
	PSUBW X7, X6; \
	MOVO  X0, X2; \
	PADDW X1, X0; \
	PSUBW X1, X2; \
	PADDW X14, X0; \
	PADDW X14, X2; \
	PSRAW $4, X0; \
	PSRAW $4, X2; \
	ROTATE2(X13, $16)

#define BROADCAST2(P, X) \
	MOVL   P, X; \
	PSHUFD $0, X, X

#define FDCTCONST2 \
	BROADCAST2(fdctK<>+0(SB), X10); \
	BROADCAST2(fdctK<>+4(SB), X11); \
	BROADCAST2(fdctK<>+8(SB), X12); \
	BROADCAST2(fdctK<>+12(SB), X13); \
	BROADCAST2(fdctK<>+16(SB), X14); \
	PXOR X15, X15

#define RESIDUALROW2(MOV, D, T) \
	MOV       (SI), D; \
	MOV       (DI), T; \
	PUNPCKLBW X15, D; \
	PUNPCKLBW X15, T; \
	PSUBW     T, D; \
	ADDQ      R8, SI; \
	ADDQ      R9, DI

// Two blocks at SI and DI to DX, and on to the next ones.
#define FDCTPAIR2 \
	RESIDUALROW2(MOVQ, X0, X4); \
	RESIDUALROW2(MOVQ, X1, X4); \
	RESIDUALROW2(MOVQ, X2, X4); \
	RESIDUALROW2(MOVQ, X3, X4); \
	FDCT2; \
	MOVO       X0, X3; \
	PUNPCKLQDQ X1, X0; \
	PUNPCKHQDQ X1, X3; \
	MOVO       X2, X4; \
	PUNPCKLQDQ X7, X2; \
	PUNPCKHQDQ X7, X4; \
	MOVOU      X0, 0(DX); \
	MOVOU      X2, 16(DX); \
	MOVOU      X3, 32(DX); \
	MOVOU      X4, 48(DX); \
	ADDQ       $64, DX

// func fdct16x16(coef *int16, src *byte, ss int, pred *byte, ps int)
TEXT ·fdct16x16(SB), NOSPLIT, $0-40
	FDCTARGS
	CMPB ·useWide(SB), $0
	JEQ  fdct16narrow
	FDCTCONST(Y10, Y11, Y12, Y13, Y14)
	MOVQ $4, CX

fdct16loop:
	RESIDUALROW(Y0, Y4)
	RESIDUALROW(Y1, Y4)
	RESIDUALROW(Y2, Y4)
	RESIDUALROW(Y3, Y4)
	FDCT(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14)

	// Low half: blocks 0 and 1; high half: blocks 2 and 3.
	VPUNPCKLQDQ Y5, Y4, Y0
	VPUNPCKHQDQ Y5, Y4, Y1
	VPUNPCKLQDQ Y7, Y6, Y2
	VPUNPCKHQDQ Y7, Y6, Y3
	VPERM2I128  $0x20, Y2, Y0, Y4
	VPERM2I128  $0x20, Y3, Y1, Y5
	VPERM2I128  $0x31, Y2, Y0, Y6
	VPERM2I128  $0x31, Y3, Y1, Y7
	VMOVDQU     Y4, 0(DX)
	VMOVDQU     Y5, 32(DX)
	VMOVDQU     Y6, 64(DX)
	VMOVDQU     Y7, 96(DX)
	ADDQ        $128, DX
	DECQ        CX
	JNZ         fdct16loop
	VZEROUPPER
	RET

fdct16narrow:
	FDCTCONST2
	MOVQ $4, CX

fdct16narrowLoop:
	MOVQ SI, R10
	MOVQ DI, R11
	FDCTPAIR2
	XCHGQ SI, R10
	XCHGQ DI, R11
	ADDQ $8, SI
	ADDQ $8, DI
	FDCTPAIR2
	MOVQ R10, SI
	MOVQ R11, DI
	DECQ CX
	JNZ  fdct16narrowLoop
	RET

// func fdct8x8(coef *int16, src *byte, ss int, pred *byte, ps int)
TEXT ·fdct8x8(SB), NOSPLIT, $0-40
	FDCTARGS
	CMPB ·useWide(SB), $0
	JEQ  fdct8narrow
	FDCTCONST(X10, X11, X12, X13, X14)
	MOVQ $2, CX

fdct8loop:
	RESIDUALROW(X0, X4)
	RESIDUALROW(X1, X4)
	RESIDUALROW(X2, X4)
	RESIDUALROW(X3, X4)
	FDCT(X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14)
	VPUNPCKLQDQ X5, X4, X0
	VPUNPCKHQDQ X5, X4, X1
	VPUNPCKLQDQ X7, X6, X2
	VPUNPCKHQDQ X7, X6, X3
	VMOVDQU     X0, 0(DX)
	VMOVDQU     X2, 16(DX)
	VMOVDQU     X1, 32(DX)
	VMOVDQU     X3, 48(DX)
	ADDQ        $64, DX
	DECQ        CX
	JNZ         fdct8loop
	RET

fdct8narrow:
	FDCTCONST2
	FDCTPAIR2
	FDCTPAIR2
	RET

#define RESIDUAL4(D, T) \
	VMOVD     (SI), D; \
	VMOVD     (DI), T; \
	VPMOVZXBW D, D; \
	VPMOVZXBW T, T; \
	VPSUBW    T, D, D; \
	ADDQ      R8, SI; \
	ADDQ      R9, DI

// func fdct4x4(coef *int16, src *byte, ss int, pred *byte, ps int)
TEXT ·fdct4x4(SB), NOSPLIT, $0-40
	FDCTARGS
	CMPB ·useWide(SB), $0
	JEQ  fdct4narrow
	FDCTCONST(X10, X11, X12, X13, X14)
	RESIDUAL4(X0, X4)
	RESIDUAL4(X1, X4)
	RESIDUAL4(X2, X4)
	RESIDUAL4(X3, X4)
	FDCT(X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14)
	VPUNPCKLQDQ X5, X4, X0
	VPUNPCKLQDQ X7, X6, X2
	VMOVDQU     X0, 0(DX)
	VMOVDQU     X2, 16(DX)
	RET

fdct4narrow:
	FDCTCONST2
	RESIDUALROW2(MOVL, X0, X4)
	RESIDUALROW2(MOVL, X1, X4)
	RESIDUALROW2(MOVL, X2, X4)
	RESIDUALROW2(MOVL, X3, X4)
	FDCT2
	PUNPCKLQDQ X1, X0
	PUNPCKLQDQ X7, X2
	MOVOU      X0, 0(DX)
	MOVOU      X2, 16(DX)
	RET

// SSE2 is enough for the rest.

// Words at P, P+32, P+64, P+96 (four blocks' first coefficients).
#define GATHERDC(O, D) \
	MOVL   O(SI), D; \
	PINSRW $1, O+32(SI), D; \
	PINSRW $2, O+64(SI), D; \
	PINSRW $3, O+96(SI), D

// Rows A to D (low halves) become columns and then the sums A, B, T, C.
#define WHT(A, B, C, D, T) \
	PUNPCKLWL B, A; \
	PUNPCKLWL D, C; \
	MOVO      A, T; \
	PUNPCKLLQ C, A; \
	PUNPCKHLQ C, T; \
	MOVO      A, B; \
	PSRLO     $8, B; \
	MOVO      T, D; \
	PSRLO     $8, D; \
	MOVO      A, C; \
	PADDW     D, A; \
	PSUBW     D, C; \
	MOVO      B, D; \
	PADDW     T, B; \
	PSUBW     T, D; \
	MOVO      A, T; \
	PADDW     B, A; \
	PSUBW     B, T; \
	MOVO      C, B; \
	PADDW     D, B; \
	PSUBW     D, C

// Rounds half away from zero and halves. X9 is zero.
#define HALVE(D, T) \
	MOVO    D, T; \
	PCMPGTW X9, T; \
	PSUBW   T, D; \
	PSRAW   $1, D

// func fwht(out, coef *int16)
TEXT ·fwht(SB), NOSPLIT, $0-16
	MOVQ       out+0(FP), DI
	MOVQ       coef+8(FP), SI
	GATHERDC(0, X0)
	GATHERDC(128, X1)
	GATHERDC(256, X2)
	GATHERDC(384, X3)
	WHT(X0, X1, X2, X3, X4)
	WHT(X0, X1, X4, X2, X3)
	PUNPCKLQDQ X1, X0
	PUNPCKLQDQ X4, X3
	PXOR       X9, X9
	HALVE(X0, X8)
	HALVE(X3, X8)
	MOVOU      X0, 0(DI)
	MOVOU      X3, 16(DI)
	RET
