//go:build !noasm

#include "textflag.h"

// AVX2 set. Macros take their registers, so that they serve 128-bit (two
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

// func fdct16x16(coef *int16, src *byte, ss int, pred *byte, ps int)
TEXT ·fdct16x16(SB), NOSPLIT, $0-40
	FDCTARGS
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

// func fdct8x8(coef *int16, src *byte, ss int, pred *byte, ps int)
TEXT ·fdct8x8(SB), NOSPLIT, $0-40
	FDCTARGS
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

// Transposes 4x4 words in the low halves of A to D into T0 to T3 (low halves).
#define TRANSPOSE4(A, B, C, D, T0, T1, T2, T3) \
	VPUNPCKLWD B, A, A; \
	VPUNPCKLWD D, C, C; \
	VPUNPCKLDQ C, A, T0; \
	VPUNPCKHDQ C, A, T2; \
	VPSRLDQ    $8, T0, T1; \
	VPSRLDQ    $8, T2, T3

// Words at P, P+32, P+64, P+96 (four blocks' first coefficients).
#define GATHERDC(O, D) \
	VMOVD   O(SI), D; \
	VPINSRW $1, O+32(SI), D, D; \
	VPINSRW $2, O+64(SI), D, D; \
	VPINSRW $3, O+96(SI), D, D

// Rounds half away from zero and halves.
#define HALVE(D, T, Z) \
	VPCMPGTW Z, D, T; \
	VPSUBW   T, D, D; \
	VPSRAW   $1, D, D

// func fwht(out, coef *int16)
TEXT ·fwht(SB), NOSPLIT, $0-16
	MOVQ        out+0(FP), DI
	MOVQ        coef+8(FP), SI
	GATHERDC(0, X0)
	GATHERDC(128, X1)
	GATHERDC(256, X2)
	GATHERDC(384, X3)
	TRANSPOSE4(X0, X1, X2, X3, X4, X5, X6, X7)
	BUTTERFLY(X4, X5, X6, X7, X0, X1, X2, X3)
	VPADDW      X1, X0, X4
	VPADDW      X3, X2, X5
	VPSUBW      X1, X0, X6
	VPSUBW      X2, X3, X7
	TRANSPOSE4(X4, X5, X6, X7, X0, X1, X2, X3)
	BUTTERFLY(X0, X1, X2, X3, X4, X5, X6, X7)
	VPADDW      X5, X4, X0
	VPADDW      X7, X6, X1
	VPSUBW      X5, X4, X2
	VPSUBW      X6, X7, X3
	VPUNPCKLQDQ X1, X0, X0
	VPUNPCKLQDQ X3, X2, X2
	VPXOR       X9, X9, X9
	HALVE(X0, X8, X9)
	HALVE(X2, X8, X9)
	VMOVDQU     X0, 0(DI)
	VMOVDQU     X2, 16(DI)
	RET
