//go:build !noasm

#include "textflag.h"

// func dotKernel(a, b *int16, n int) int32
// AVX2; n is a multiple of 16.
TEXT ·dotKernel(SB), NOSPLIT, $0-28
	MOVQ  a+0(FP), SI
	MOVQ  b+8(FP), DI
	MOVQ  n+16(FP), CX
	VPXOR Y0, Y0, Y0

dotLoop:
	VMOVDQU  (SI), Y1
	VPMADDWD (DI), Y1, Y1
	VPADDD   Y1, Y0, Y0
	ADDQ     $32, SI
	ADDQ     $32, DI
	SUBQ     $16, CX
	JNE      dotLoop

	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0x4E, X0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0xB1, X0, X1
	VPADDD       X1, X0, X0
	VMOVD        X0, AX
	MOVL         AX, ret+24(FP)
	VZEROUPPER
	RET

// func dot64Kernel(a, b *int16, n int) int64
// AVX2; n is a multiple of 16. Sums of two products need 33 bits only where all
// four factors are -32768; less one, each fits 32 bits. Their low and high halves are added
// in 32 bits, which 65536 steps do not exceed, and joined after as many.
TEXT ·dot64Kernel(SB), NOSPLIT, $0-32
	MOVQ     a+0(FP), SI
	MOVQ     b+8(FP), DI
	MOVQ     n+16(FP), CX
	XORQ     AX, AX
	VPCMPEQD Y7, Y7, Y7 // -1
	VPSRLD   $16, Y7, Y6
	SHRQ     $4, CX
	MOVQ     CX, R9     // 8 lanes get one back, each step

dot64Piece:
	MOVQ    CX, R8
	CMPQ    R8, $32768
	JLS     dot64Few
	MOVQ    $32768, R8

dot64Few:
	SUBQ  R8, CX
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1

dot64Loop:
	VMOVDQU  (SI), Y2
	VPMADDWD (DI), Y2, Y2
	VPADDD   Y7, Y2, Y2
	VPSRAD   $16, Y2, Y3
	VPAND    Y6, Y2, Y2
	VPADDD   Y2, Y0, Y0
	VPADDD   Y3, Y1, Y1
	ADDQ     $32, SI
	ADDQ     $32, DI
	DECQ     R8
	JNE      dot64Loop

	// Low halves, unsigned.
	VEXTRACTI128 $1, Y0, X2
	VPMOVZXDQ    X0, Y3
	VPMOVZXDQ    X2, Y4
	VPADDQ       Y3, Y4, Y4

	// High halves.
	VEXTRACTI128 $1, Y1, X2
	VPMOVSXDQ    X1, Y3
	VPMOVSXDQ    X2, Y5
	VPADDQ       Y3, Y5, Y5
	VPSLLQ       $16, Y5, Y5
	VPADDQ       Y5, Y4, Y4
	VEXTRACTI128 $1, Y4, X2
	VPADDQ       X2, X4, X4
	VPSRLDQ      $8, X4, X2
	VPADDQ       X2, X4, X4
	VMOVQ        X4, R10
	ADDQ         R10, AX
	TESTQ        CX, CX
	JNE          dot64Piece
	LEAQ         (AX)(R9*8), AX
	MOVQ         AX, ret+24(FP)
	VZEROUPPER
	RET
