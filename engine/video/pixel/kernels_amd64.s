//go:build !noasm

#include "textflag.h"

// SSE2. Counts are multiples of 16; rows may start anywhere.

DATA low8<>+0(SB)/8, $0x00ff00ff00ff00ff
DATA low8<>+8(SB)/8, $0x00ff00ff00ff00ff
GLOBL low8<>(SB), RODATA, $16
DATA word2<>+0(SB)/8, $0x0002000200020002
DATA word2<>+8(SB)/8, $0x0002000200020002
GLOBL word2<>(SB), RODATA, $16
DATA dword64<>+0(SB)/8, $0x0000004000000040
DATA dword64<>+8(SB)/8, $0x0000004000000040
GLOBL dword64<>(SB), RODATA, $16

// E = even bytes of A, B; A = odd bytes. B is lost. X15 is low8.
#define SPLIT(A, B, E, T) \
	MOVO     A, E; \
	MOVO     B, T; \
	PAND     X15, E; \
	PAND     X15, T; \
	PACKUSWB T, E; \
	PSRLW    $8, A; \
	PSRLW    $8, B; \
	PACKUSWB B, A

// func packedKernel(y0, y1, u, v, r0, r1 *byte, n, lumaAt int)
TEXT ·packedKernel(SB), NOSPLIT, $0-64
	MOVQ  y0+0(FP), DI
	MOVQ  y1+8(FP), SI
	MOVQ  u+16(FP), R8
	MOVQ  v+24(FP), R9
	MOVQ  r0+32(FP), R10
	MOVQ  r1+40(FP), R11
	MOVQ  n+48(FP), CX
	MOVQ  lumaAt+56(FP), DX
	MOVOU low8<>(SB), X15

	// X14: all ones if luma is the odd byte; it exchanges even and odd.
	NEGQ       DX
	MOVQ       DX, X14
	PUNPCKLQDQ X14, X14

packedLoop:
	MOVOU (R10), X0
	MOVOU 16(R10), X1
	MOVOU 32(R10), X2
	MOVOU 48(R10), X3
	SPLIT(X0, X1, X4, X5)
	SPLIT(X2, X3, X6, X7)

	// Even bytes X4, X6, odd X0, X2: exchanged where X14 says so.
	MOVO  X4, X1
	PXOR  X0, X1
	PAND  X14, X1
	PXOR  X1, X4
	PXOR  X1, X0
	MOVO  X6, X3
	PXOR  X2, X3
	PAND  X14, X3
	PXOR  X3, X6
	PXOR  X3, X2
	MOVOU X4, (DI)
	MOVOU X6, 16(DI)

	MOVOU (R11), X8
	MOVOU 16(R11), X9
	MOVOU 32(R11), X10
	MOVOU 48(R11), X11
	SPLIT(X8, X9, X4, X5)
	SPLIT(X10, X11, X6, X7)
	MOVO  X4, X1
	PXOR  X8, X1
	PAND  X14, X1
	PXOR  X1, X4
	PXOR  X1, X8
	MOVO  X6, X3
	PXOR  X10, X3
	PAND  X14, X3
	PXOR  X3, X6
	PXOR  X3, X10
	MOVOU X4, (SI)
	MOVOU X6, 16(SI)

	PAVGB X8, X0
	PAVGB X10, X2
	SPLIT(X0, X2, X4, X5)
	MOVOU X4, (R8)
	MOVOU X0, (R9)
	ADDQ  $32, DI
	ADDQ  $32, SI
	ADDQ  $16, R8
	ADDQ  $16, R9
	ADDQ  $64, R10
	ADDQ  $64, R11
	SUBQ  $16, CX
	JNZ   packedLoop
	RET

// func splitKernel(u, v, src *byte, n int)
TEXT ·splitKernel(SB), NOSPLIT, $0-32
	MOVQ  u+0(FP), DI
	MOVQ  v+8(FP), SI
	MOVQ  src+16(FP), R8
	MOVQ  n+24(FP), CX
	MOVOU low8<>(SB), X15

splitLoop:
	MOVOU (R8), X0
	MOVOU 16(R8), X1
	SPLIT(X0, X1, X4, X5)
	MOVOU X4, (DI)
	MOVOU X0, (SI)
	ADDQ  $32, R8
	ADDQ  $16, DI
	ADDQ  $16, SI
	SUBQ  $16, CX
	JNZ   splitLoop
	RET

// Words of the sums of two neighbours in 16 bytes, added to D.
#define ADDPAIRS(A, D, T) \
	MOVO  A, T; \
	PAND  X15, T; \
	PSRLW $8, A; \
	PADDW T, D; \
	PADDW A, D

// func halveKernel(dst, r0, r1 *byte, n int)
TEXT ·halveKernel(SB), NOSPLIT, $0-32
	MOVQ  dst+0(FP), DI
	MOVQ  r0+8(FP), SI
	MOVQ  r1+16(FP), R8
	MOVQ  n+24(FP), CX
	MOVOU low8<>(SB), X15
	MOVOU word2<>(SB), X14

halveLoop:
	MOVO     X14, X4
	MOVO     X14, X5
	MOVOU    (SI), X0
	MOVOU    16(SI), X1
	MOVOU    (R8), X2
	MOVOU    16(R8), X3
	ADDPAIRS(X0, X4, X6)
	ADDPAIRS(X2, X4, X6)
	ADDPAIRS(X1, X5, X6)
	ADDPAIRS(X3, X5, X6)
	PSRLW    $2, X4
	PSRLW    $2, X5
	PACKUSWB X5, X4
	MOVOU    X4, (DI)
	ADDQ     $32, SI
	ADDQ     $32, R8
	ADDQ     $16, DI
	SUBQ     $16, CX
	JNZ      halveLoop
	RET

// Four results from the sample pairs (words) in A: (sum + 64) >> 7 as dwords.
#define WEIGH(A) \
	PMADDWL X13, A; \
	PADDL   X12, A; \
	PSRLL   $7, A

// func blendKernel(row *uint16, a, b *byte, wa, wb, n int)
// Results are below 1<<15, so that signed packing keeps them.
TEXT ·blendKernel(SB), NOSPLIT, $0-48
	MOVQ   row+0(FP), DI
	MOVQ   a+8(FP), SI
	MOVQ   b+16(FP), R8
	MOVQ   wa+24(FP), AX
	MOVQ   wb+32(FP), BX
	MOVQ   n+40(FP), CX
	SHLQ   $16, BX
	ORQ    BX, AX
	MOVQ   AX, X13
	PSHUFD $0, X13, X13
	MOVOU  dword64<>(SB), X12
	PXOR   X15, X15

blendLoop:
	MOVOU     (SI), X0
	MOVOU     (R8), X1
	MOVO      X0, X2
	PUNPCKLBW X1, X0             // pairs of bytes a, b
	PUNPCKHBW X1, X2
	MOVO      X0, X1
	PUNPCKLBW X15, X0            // pairs of words
	PUNPCKHBW X15, X1
	MOVO      X2, X3
	PUNPCKLBW X15, X2
	PUNPCKHBW X15, X3
	WEIGH(X0)
	WEIGH(X1)
	WEIGH(X2)
	WEIGH(X3)
	PACKSSLW  X1, X0
	PACKSSLW  X3, X2
	MOVOU     X0, (DI)
	MOVOU     X2, 16(DI)
	ADDQ      $32, DI
	ADDQ      $16, SI
	ADDQ      $16, R8
	SUBQ      $16, CX
	JNZ       blendLoop
	RET
