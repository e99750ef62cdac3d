//go:build !noasm

#include "textflag.h"

// AVX2 set.

DATA wordsK<>+0(SB)/8, $0x03f803f803f803f8 // diffMax
DATA wordsK<>+8(SB)/8, $0xfc08fc08fc08fc08 // -diffMax
DATA wordsK<>+16(SB)/8, $0x999a999a999a999a // 39322: 0.6 in Q16
DATA wordsK<>+24(SB)/8, $0x0018001800180018 // pointSlack
DATA wordsK<>+32(SB)/8, $0x00ff00ff00ff00ff
DATA wordsK<>+40(SB)/8, $0x0040004000400040 // half in Q7
DATA wordsK<>+48(SB)/8, $0x000f000f000f000f
DATA wordsK<>+56(SB)/8, $0x0001000100010001
DATA wordsK<>+64(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA wordsK<>+72(SB)/8, $0x0101010101010101
DATA wordsK<>+80(SB)/8, $0x0000001000000010 // 16
DATA wordsK<>+88(SB)/8, $0x0000008000000080 // half in Q8
GLOBL wordsK<>(SB), RODATA, $96

// func differencesKernel(diff, sum, sumAbs *int16, cur *byte, avgQ7 *uint16, n int)
TEXT ·differencesKernel(SB), NOSPLIT, $0-48
	MOVQ         diff+0(FP), DI
	MOVQ         sum+8(FP), R8
	MOVQ         sumAbs+16(FP), R9
	MOVQ         cur+24(FP), SI
	MOVQ         avgQ7+32(FP), DX
	MOVQ         n+40(FP), CX
	VPBROADCASTQ wordsK<>+0(SB), Y8
	VPBROADCASTQ wordsK<>+8(SB), Y9

differences16:
	VPMOVZXBW (SI), Y0
	VPSLLW    $7, Y0, Y0
	VPSUBW    (DX), Y0, Y0
	VPSRAW    $4, Y0, Y0
	VPMINSW   Y8, Y0, Y0
	VPMAXSW   Y9, Y0, Y0
	VMOVDQU   (DI), Y1
	VMOVDQU   Y0, (DI)
	VPSUBW    Y1, Y0, Y2
	VPADDW    (R8), Y2, Y2
	VMOVDQU   Y2, (R8)
	VPABSW    Y0, Y0
	VPABSW    Y1, Y1
	VPSUBW    Y1, Y0, Y0
	VPADDW    (R9), Y0, Y0
	VMOVDQU   Y0, (R9)
	ADDQ      $16, SI
	ADDQ      $32, DI
	ADDQ      $32, DX
	ADDQ      $32, R8
	ADDQ      $32, R9
	SUBQ      $16, CX
	JNZ       differences16
	VZEROUPPER
	RET

// R = words of the tables L and H (16 bytes each, low and high halves) at the
// words I (0 to 15). T is changed; M is 0x00ff.
#define LOOKUP(L, H, I, M, R, T) \
	VPSHUFB I, L, R; \
	VPAND   M, R, R; \
	VPSHUFB I, H, T; \
	VPSLLW  $8, T, T; \
	VPOR    T, R, R

// func blendKernel(out *byte, avgQ7 *uint16, support, cur *byte, sum, sumAbs *int16, t *blendTables, n int)
TEXT ·blendKernel(SB), NOSPLIT, $0-64
	MOVQ           out+0(FP), DI
	MOVQ           avgQ7+8(FP), DX
	MOVQ           support+16(FP), BX
	MOVQ           cur+24(FP), SI
	MOVQ           sum+32(FP), R8
	MOVQ           sumAbs+40(FP), R9
	MOVQ           t+48(FP), AX
	MOVQ           n+56(FP), CX
	VBROADCASTI128 0(AX), Y8
	VBROADCASTI128 16(AX), Y9
	VBROADCASTI128 32(AX), Y10
	VBROADCASTI128 48(AX), Y11
	VPBROADCASTQ   wordsK<>+32(SB), Y12
	VPBROADCASTW   64(AX), Y13
	VPBROADCASTW   66(AX), Y14
	VPBROADCASTW   68(AX), Y15

blend16:
	VMOVDQU (R8), Y0
	VPADDW  2(R8), Y0, Y0
	VPADDW  4(R8), Y0, Y0
	VPADDW  6(R8), Y0, Y0
	VPADDW  8(R8), Y0, Y0
	VPABSW  Y0, Y0
	VMOVDQU (R9), Y1
	VPADDW  2(R9), Y1, Y1
	VPADDW  4(R9), Y1, Y1
	VPADDW  6(R9), Y1, Y1
	VPADDW  8(R9), Y1, Y1

	// Y2 the average, Y3 its level's inverse deviation, Y4 the difference.
	VMOVDQU   (DX), Y2
	VPSRLW    $11, Y2, Y5
	LOOKUP(Y8, Y9, Y5, Y12, Y3, Y6)
	VPMOVZXBW (SI), Y4
	VPSLLW    $7, Y4, Y4
	VPSUBW    Y2, Y4, Y4

	// Y0 the largest of the three measures.
	VPBROADCASTQ wordsK<>+16(SB), Y5
	VPMULHUW     Y5, Y0, Y0
	VPMULHUW     Y3, Y0, Y0
	VPMULHUW     Y3, Y1, Y1
	VPSUBUSW     Y13, Y1, Y1
	VPMAXUW      Y1, Y0, Y0
	VPABSW       Y4, Y5
	VPMULHUW     Y3, Y5, Y5
	VPMULHUW     Y14, Y5, Y5
	VPBROADCASTQ wordsK<>+24(SB), Y6
	VPSUBUSW     Y6, Y5, Y5
	VPMAXUW      Y5, Y0, Y0

	VPSUBUSW  Y0, Y15, Y0
	VPSRLW    $2, Y0, Y0
	VPMOVZXBW (BX), Y1
	VPMINUW   Y0, Y1, Y1
	LOOKUP(Y10, Y11, Y1, Y12, Y3, Y6)
	VPMULHRSW Y3, Y4, Y4
	VPADDW    Y4, Y2, Y2
	VMOVDQU   Y2, (DX)

	VPBROADCASTQ wordsK<>+56(SB), Y5
	VPADDW       Y5, Y1, Y1
	VPBROADCASTW 70(AX), Y6
	VPMINUW      Y6, Y1, Y1
	VPBROADCASTQ wordsK<>+40(SB), Y5
	VPADDW       Y5, Y2, Y2
	VPSRLW       $7, Y2, Y2
	VPACKUSWB    Y1, Y2, Y2
	VPERMQ       $0xd8, Y2, Y2
	VMOVDQU      X2, (DI)
	VEXTRACTI128 $1, Y2, (BX)
	ADDQ         $16, SI
	ADDQ         $16, DI
	ADDQ         $16, BX
	ADDQ         $32, DX
	ADDQ         $32, R8
	ADDQ         $32, R9
	SUBQ         $16, CX
	JNZ          blend16
	VZEROUPPER
	RET

// D = sample - V (modulo 256), W = what of the reach Y1 the difference leaves.
// Differences beyond 127 have no weight.
#define TAP(MEM, D, W) \
	VMOVDQU  MEM, D; \
	VPSUBUSB Y0, D, W; \
	VPSUBUSB D, Y0, Y10; \
	VPOR     Y10, W, W; \
	VPSUBUSB W, Y1, W; \
	VPSUBB   Y0, D, D

// Adds two samples to the sums Y2, Y3 and the weights Y4, Y5.
#define PAIR(MEMA, MEMB) \
	TAP(MEMA, Y6, Y7); \
	TAP(MEMB, Y8, Y9); \
	VPUNPCKLBW Y9, Y7, Y10; \
	VPUNPCKLBW Y8, Y6, Y11; \
	VPMADDUBSW Y11, Y10, Y11; \
	VPADDW     Y11, Y2, Y2; \
	VPMADDUBSW Y12, Y10, Y10; \
	VPADDW     Y10, Y4, Y4; \
	VPUNPCKHBW Y9, Y7, Y10; \
	VPUNPCKHBW Y8, Y6, Y11; \
	VPMADDUBSW Y11, Y10, Y11; \
	VPADDW     Y11, Y3, Y3; \
	VPMADDUBSW Y12, Y10, Y10; \
	VPADDW     Y10, Y5, Y5

// S = S over the weights W; I is the inverse reach. Changes Y10, Y11.
#define DIVIDE(S, W, I) \
	VPMULHUW     I, W, W; \
	VPSLLW       $2, W, Y10; \
	VPADDW       Y10, W, W; \
	VPSRLW       $3, W, W; \
	VPBROADCASTQ wordsK<>+48(SB), Y10; \
	VPMINUW      Y10, W, W; \
	LOOKUP(Y14, Y15, W, Y13, Y10, Y11); \
	VPMULHUW     I, Y10, Y10; \
	VPMULHRSW    Y10, S, S

// func smoothKernel(out *byte, rows *[5]*byte, support *byte, t *smoothTables, n int)
TEXT ·smoothKernel(SB), NOSPLIT, $0-40
	MOVQ           out+0(FP), DI
	MOVQ           rows+8(FP), AX
	MOVQ           support+16(FP), BX
	MOVQ           t+24(FP), DX
	MOVQ           n+32(FP), CX
	MOVQ           0(AX), R8
	MOVQ           8(AX), R9
	MOVQ           16(AX), R10
	MOVQ           24(AX), R11
	MOVQ           32(AX), R12
	VPBROADCASTQ   wordsK<>+72(SB), Y12
	VPBROADCASTQ   wordsK<>+32(SB), Y13
	VBROADCASTI128 96(DX), Y14
	VBROADCASTI128 112(DX), Y15

smooth32:
	VMOVDQU      2(R10), Y0
	VMOVDQU      (BX), Y2
	VPBROADCASTB 128(DX), Y3
	VPCMPGTB     Y3, Y2, Y3
	VPMOVMSKB    Y3, AX
	CMPL         AX, $-1
	JEQ          settled

	// Y1 the reach, 0 where the average has settled.
	VPBROADCASTQ   wordsK<>+64(SB), Y5
	VPSRLW         $4, Y0, Y4
	VPAND          Y5, Y4, Y4
	VBROADCASTI128 0(DX), Y5
	VPSHUFB        Y4, Y5, Y5
	VBROADCASTI128 16(DX), Y6
	VPSHUFB        Y2, Y6, Y6
	VPXOR          Y7, Y7, Y7
	VPUNPCKLBW     Y7, Y5, Y8
	VPUNPCKHBW     Y7, Y5, Y9
	VPUNPCKLBW     Y7, Y6, Y10
	VPUNPCKHBW     Y7, Y6, Y11
	VPMULLW        Y10, Y8, Y8
	VPMULLW        Y11, Y9, Y9
	VPSRLW         $10, Y8, Y8
	VPSRLW         $10, Y9, Y9
	VPACKUSWB      Y9, Y8, Y1
	VPANDN         Y1, Y3, Y1

	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	PAIR(1(R8), 2(R8))
	PAIR(3(R8), 0(R9))
	PAIR(1(R9), 2(R9))
	PAIR(3(R9), 4(R9))
	PAIR(0(R10), 1(R10))
	PAIR(3(R10), 4(R10))
	PAIR(0(R11), 1(R11))
	PAIR(2(R11), 3(R11))
	PAIR(4(R11), 1(R12))
	PAIR(2(R12), 3(R12))

	// Y6, Y7 the inverse reach.
	VPBROADCASTQ   wordsK<>+64(SB), Y11
	VPSRLW         $4, Y0, Y10
	VPAND          Y11, Y10, Y10
	VBROADCASTI128 32(DX), Y6
	VBROADCASTI128 48(DX), Y7
	VPSHUFB        Y10, Y6, Y6
	VPSHUFB        Y10, Y7, Y7
	VPUNPCKLBW     Y7, Y6, Y8
	VPUNPCKHBW     Y7, Y6, Y9
	VMOVDQU        (BX), Y10
	VBROADCASTI128 64(DX), Y6
	VBROADCASTI128 80(DX), Y7
	VPSHUFB        Y10, Y6, Y6
	VPSHUFB        Y10, Y7, Y7
	VPUNPCKLBW     Y7, Y6, Y10
	VPUNPCKHBW     Y7, Y6, Y11
	VPMULHUW       Y10, Y8, Y6
	VPMULHUW       Y11, Y9, Y7
	VPSLLW         $3, Y6, Y6
	VPSLLW         $3, Y7, Y7

	DIVIDE(Y2, Y4, Y6)
	DIVIDE(Y3, Y5, Y7)
	VPXOR      Y7, Y7, Y7
	VPUNPCKLBW Y7, Y0, Y8
	VPUNPCKHBW Y7, Y0, Y9
	VPADDW     Y8, Y2, Y2
	VPADDW     Y9, Y3, Y3
	VPACKUSWB  Y3, Y2, Y0

settled:
	VMOVDQU Y0, (DI)
	ADDQ    $32, DI
	ADDQ    $32, BX
	ADDQ    $32, R8
	ADDQ    $32, R9
	ADDQ    $32, R10
	ADDQ    $32, R11
	ADDQ    $32, R12
	SUBQ    $32, CX
	JNZ     smooth32
	VZEROUPPER
	RET

#define LIFT(X, A) \
	VPSUBW    X, Y12, Y4; \
	VPMULHRSW Y4, X, Y4; \
	VPMULHRSW A, Y4, Y4; \
	VPADDW    Y4, X, X

DATA toneK<>+0(SB)/8, $0x1fff1fff1fff1fff
DATA toneK<>+8(SB)/8, $0x7fff7fff7fff7fff
DATA toneK<>+16(SB)/8, $0x00db00db00db00db // 219
DATA toneK<>+24(SB)/8, $0x0010001000100010
GLOBL toneK<>(SB), RODATA, $32

// func toneKernel(row *byte, liftQ15 *int16, blackQ8, gain, n int)
TEXT ·toneKernel(SB), NOSPLIT, $0-40
	MOVQ         row+0(FP), DI
	MOVQ         liftQ15+8(FP), SI
	MOVQ         blackQ8+16(FP), AX
	VMOVQ        AX, X8
	VPBROADCASTW X8, Y8
	MOVQ         gain+24(FP), AX
	VMOVQ        AX, X9
	VPBROADCASTW X9, Y9
	MOVQ         n+32(FP), CX
	VPBROADCASTQ toneK<>+0(SB), Y11
	VPBROADCASTQ toneK<>+8(SB), Y12
	VPBROADCASTQ toneK<>+16(SB), Y13
	VPBROADCASTQ toneK<>+24(SB), Y14

tone16:
	VPMOVZXBW    (DI), Y0
	VMOVDQU      (SI), Y1
	VPSLLW       $8, Y0, Y0
	VPSUBUSW     Y8, Y0, Y0
	VPMULHUW     Y9, Y0, Y0
	VPMINUW      Y11, Y0, Y0
	VPSLLW       $2, Y0, Y0
	LIFT(Y0, Y1)
	LIFT(Y0, Y1)
	LIFT(Y0, Y1)
	LIFT(Y0, Y1)
	VPMULHRSW    Y13, Y0, Y0
	VPADDW       Y14, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKUSWB    X1, X0, X0
	VMOVDQU      X0, (DI)
	ADDQ         $16, DI
	ADDQ         $32, SI
	SUBQ         $16, CX
	JNZ          tone16
	VZEROUPPER
	RET

// func scaleKernel(row *byte, gainQ12 *int16, from, to, n int)
TEXT ·scaleKernel(SB), NOSPLIT, $0-40
	MOVQ         row+0(FP), DI
	MOVQ         gainQ12+8(FP), SI
	MOVQ         from+16(FP), AX
	VMOVQ        AX, X8
	VPBROADCASTW X8, Y8
	MOVQ         to+24(FP), AX
	VMOVQ        AX, X9
	VPBROADCASTW X9, Y9
	MOVQ         n+32(FP), CX

scale16:
	VPMOVZXBW    (DI), Y0
	VPSUBW       Y8, Y0, Y0
	VPSLLW       $3, Y0, Y0
	VPMULHRSW    (SI), Y0, Y0
	VPADDW       Y9, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKUSWB    X1, X0, X0
	VMOVDQU      X0, (DI)
	ADDQ         $16, DI
	ADDQ         $32, SI
	SUBQ         $16, CX
	JNZ          scale16
	VZEROUPPER
	RET

// func remapKernel(row, src *byte, at *int32, fx, fy *byte, stride, n int)
TEXT ·remapKernel(SB), NOSPLIT, $0-56
	MOVQ         row+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         at+16(FP), DX
	MOVQ         fx+24(FP), R8
	MOVQ         fy+32(FP), R9
	MOVQ         stride+40(FP), R10
	MOVQ         n+48(FP), CX
	ADDQ         SI, R10
	VPBROADCASTQ wordsK<>+80(SB), Y14
	VPBROADCASTQ wordsK<>+88(SB), Y15

remap8:
	VMOVDQU    (DX), Y0
	VPCMPEQD   Y1, Y1, Y1
	VPCMPEQD   Y2, Y2, Y2
	VPXOR      Y3, Y3, Y3
	VPXOR      Y4, Y4, Y4
	VPGATHERDD Y1, (SI)(Y0*1), Y3
	VPGATHERDD Y2, (R10)(Y0*1), Y4

	// Y5 the weights of a pair, 16-fx and fx as bytes; Y7 those of the rows, as
	// words.
	VPMOVZXBD  (R8), Y6
	VPSLLD     $8, Y6, Y5
	VPSUBD     Y6, Y5, Y5
	VPADDD     Y14, Y5, Y5
	VPMOVZXBD  (R9), Y6
	VPSLLD     $16, Y6, Y7
	VPSUBD     Y6, Y7, Y7
	VPADDD     Y14, Y7, Y7
	VPMADDUBSW Y5, Y3, Y3
	VPMADDUBSW Y5, Y4, Y4
	VPSLLD     $16, Y4, Y4
	VPOR       Y4, Y3, Y3
	VPMADDWD   Y7, Y3, Y3
	VPADDD     Y15, Y3, Y3
	VPSRLD     $8, Y3, Y3

	VEXTRACTI128 $1, Y3, X4
	VPACKUSDW    X4, X3, X3
	VPACKUSWB    X3, X3, X3
	VMOVQ        X3, (DI)
	ADDQ         $8, DI
	ADDQ         $32, DX
	ADDQ         $8, R8
	ADDQ         $8, R9
	SUBQ         $8, CX
	JNZ          remap8
	VZEROUPPER
	RET
