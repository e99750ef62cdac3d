//go:build !noasm

#include "textflag.h"

// AVX2, four bins at once. VPMULDQ and VPMULUDQ multiply the low halves of
// 64-bit lanes: real parts as they lie, imaginary parts after VPSRLQ $32.

// Byte offsets of the Go types' fields.
#define SUM_IM     2080
#define SUM_EXPECT 4160
#define RECIP      2080
#define RATIO      3120
#define STEP       5200
#define OFFSET     7280
#define BACK       9360
#define FLOOR      11440
#define NOISESHIFT 11448
#define ENERGY     11456

// func accumulateKernel(s *sums, x, w *fixed.Complex32, u, power *int32, n, shift int)
TEXT ·accumulateKernel(SB), NOSPLIT, $0-56
	MOVQ  s+0(FP), DI
	MOVQ  x+8(FP), SI
	MOVQ  w+16(FP), DX
	MOVQ  u+24(FP), R8
	MOVQ  power+32(FP), R9
	MOVQ  n+40(FP), CX
	MOVQ  $28, AX
	SUBQ  shift+48(FP), AX
	VMOVQ AX, X15

accumulateLoop:
	VMOVDQU   (SI), Y0
	VMOVDQU   (DX), Y1
	VPSRLQ    $32, Y0, Y2
	VPSRLQ    $32, Y1, Y3
	VPMULDQ   Y0, Y1, Y4
	VPMULDQ   Y2, Y3, Y5
	VPMULDQ   Y2, Y1, Y6
	VPMULDQ   Y0, Y3, Y7
	VPSUBQ    Y5, Y4, Y4
	VPADDQ    Y7, Y6, Y6
	VPADDQ    (DI), Y4, Y4
	VPADDQ    SUM_IM(DI), Y6, Y6
	VPMOVZXDQ (R8), Y0
	VPMOVZXDQ (R9), Y1
	VPMULUDQ  Y0, Y1, Y0
	VPSRLQ    X15, Y0, Y0
	VPADDQ    SUM_EXPECT(DI), Y0, Y0
	VMOVDQU   Y4, (DI)
	VMOVDQU   Y6, SUM_IM(DI)
	VMOVDQU   Y0, SUM_EXPECT(DI)
	ADDQ      $32, SI
	ADDQ      $32, DX
	ADDQ      $16, R8
	ADDQ      $16, R9
	ADDQ      $32, DI
	SUBQ      $4, CX
	JNE       accumulateLoop
	VZEROUPPER
	RET

// V = (V·U)·2^-step, rounded, in the low halves; U is an uncertainty.
#define STEPPED(V, U) \
	VPMULDQ U, V, V; \
	VPADDQ  OFFSET(R12), V, V; \
	VPSRLVQ STEP(R12), V, V; \
	VPSUBQ  BACK(R12), V, V

// func updateKernel(by *gains, x, w *fixed.Complex32, u, power *int32, n, shift int)
TEXT ·updateKernel(SB), NOSPLIT, $0-56
	MOVQ         by+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         w+16(FP), DX
	MOVQ         u+24(FP), R8
	MOVQ         power+32(FP), R9
	MOVQ         n+40(FP), CX
	MOVQ         DI, R10 // gain
	LEAQ         RECIP(DI), R11
	MOVQ         DI, R12 // 8-byte fields
	VPBROADCASTQ shift+48(FP), Y15
	VPCMPEQD     Y14, Y14, Y14
	VPSRLQ       $63, Y14, Y14
	VPSLLQ       $29, Y14, Y13   // half a unit
	VPSLLQ       $30, Y14, Y12   // limit of ratios, half a unit, limit of uncertainties
	VPSRLQ       $1, Y12, Y11
	VPSLLQ       $32, Y11, Y10
	VPOR         Y10, Y11, Y11   // limit of weights
	VPXOR        Y10, Y10, Y10
	VPSUBD       Y11, Y10, Y10
	VPBROADCASTQ FLOOR(DI), Y9
	VMOVQ        NOISESHIFT(DI), X14
	VPXOR        Y8, Y8, Y8      // energy

updateLoop:
	VMOVDQU   (SI), Y0
	VMOVDQU   (R10), Y1
	VPSRLQ    $32, Y0, Y2
	VPSRLQ    $32, Y1, Y3
	VPMULDQ   Y0, Y1, Y4
	VPMULDQ   Y2, Y3, Y5
	VPADDQ    Y5, Y4, Y4
	VPMULDQ   Y0, Y3, Y5
	VPMULDQ   Y2, Y1, Y6
	VPSUBQ    Y6, Y5, Y5
	VPADDQ    Y13, Y4, Y4
	VPADDQ    Y13, Y5, Y5
	VPSRLQ    $30, Y4, Y4
	VPSRLQ    $30, Y5, Y5
	VPMOVZXDQ (R8), Y7
	STEPPED(Y4, Y7)
	STEPPED(Y5, Y7)
	VPSLLQ    $32, Y5, Y5
	VPBLENDD  $0xAA, Y5, Y4, Y4
	VPADDD    (DX), Y4, Y4
	VPMINSD   Y11, Y4, Y4
	VPMAXSD   Y10, Y4, Y4
	VMOVDQU   Y4, (DX)

	VPSRLQ  $32, Y4, Y5
	VPMULDQ Y4, Y4, Y4
	VPMULDQ Y5, Y5, Y5
	VPADDQ  Y5, Y4, Y4
	VPSRLQ  $20, Y4, Y5
	VPADDQ  Y5, Y8, Y8
	VPSRLQ  X14, Y4, Y4

	VPMOVZXDQ (R9), Y0
	VPMOVZXDQ (R11), Y1
	VPMULUDQ  Y1, Y0, Y0
	VPADDQ    Y12, Y0, Y0
	VPSRLQ    $31, Y0, Y0
	VPMULUDQ  Y7, Y0, Y0
	VMOVDQU   RATIO(R12), Y1
	VPSUBQ    Y15, Y1, Y2
	VPSUBQ    Y1, Y15, Y3
	VPSRLVQ   Y2, Y0, Y2
	VPSLLVQ   Y3, Y0, Y0
	VPOR      Y2, Y0, Y0
	VPMINUD   Y12, Y0, Y0
	VPMULUDQ  Y7, Y0, Y0
	VPSRLQ    $31, Y0, Y0
	VPADDD    Y4, Y7, Y7
	VPSUBD    Y0, Y7, Y7
	VPMAXUD   Y9, Y7, Y7
	VPMINUD   Y12, Y7, Y7

	// The low halves side by side.
	VEXTRACTI128 $1, Y7, X0
	VSHUFPS      $0x88, X0, X7, X0
	VMOVDQU      X0, (R8)
	ADDQ         $32, SI
	ADDQ         $32, DX
	ADDQ         $16, R8
	ADDQ         $16, R9
	ADDQ         $32, R10
	ADDQ         $16, R11
	ADDQ         $32, R12
	SUBQ         $4, CX
	JNE          updateLoop

	VEXTRACTI128 $1, Y8, X0
	VPADDQ       X0, X8, X8
	VPSRLDQ      $8, X8, X0
	VPADDQ       X0, X8, X8
	VMOVQ        X8, ENERGY(DI)
	VZEROUPPER
	RET
