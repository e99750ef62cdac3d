//go:build !noasm

#include "textflag.h"

// SSE2. Rows may start anywhere; nothing outside the blocks is read.

// Adds the two halves of X0 into AX.
#define SUM(X0, XT) \
	PSHUFD $0xee, X0, XT; \
	PADDL  XT, X0; \
	MOVL   X0, AX

// Loads the four candidates' addresses into R8 to R11.
#define CANDIDATES \
	MOVQ src+0(FP), SI; \
	MOVQ ss+8(FP), AX; \
	MOVQ ref+16(FP), DI; \
	MOVQ rs+24(FP), BX; \
	MOVQ off+32(FP), DX; \
	MOVQ 0(DX), R8; \
	MOVQ 8(DX), R9; \
	MOVQ 16(DX), R10; \
	MOVQ 24(DX), R11; \
	ADDQ DI, R8; \
	ADDQ DI, R9; \
	ADDQ DI, R10; \
	ADDQ DI, R11; \
	MOVQ out+40(FP), DX

// Adds the halves of the four sums X0 to X3 and stores them at DX.
#define STORESUMS \
	MOVO       X0, X4; \
	PUNPCKLLQ  X1, X0; \
	PUNPCKHLQ  X1, X4; \
	PADDL      X4, X0; \
	MOVO       X2, X5; \
	PUNPCKLLQ  X3, X2; \
	PUNPCKHLQ  X3, X5; \
	PADDL      X5, X2; \
	PUNPCKLQDQ X2, X0; \
	MOVOU      X0, (DX)

// func sad16xN(a *byte, as int, b *byte, bs, h int) uint32
// h is a multiple of 4.
TEXT ·sad16xN(SB), NOSPLIT, $0-44
	MOVQ a+0(FP), SI
	MOVQ as+8(FP), R8
	MOVQ b+16(FP), DI
	MOVQ bs+24(FP), R9
	MOVQ h+32(FP), CX
	LEAQ (R8)(R8*2), R10
	LEAQ (R9)(R9*2), R11
	PXOR X0, X0
	PXOR X4, X4

sad16loop:
	MOVOU  (SI), X1
	MOVOU  (DI), X2
	PSADBW X2, X1
	PADDL  X1, X0
	MOVOU  (SI)(R8*1), X3
	MOVOU  (DI)(R9*1), X5
	PSADBW X5, X3
	PADDL  X3, X4
	MOVOU  (SI)(R8*2), X1
	MOVOU  (DI)(R9*2), X2
	PSADBW X2, X1
	PADDL  X1, X0
	MOVOU  (SI)(R10*1), X3
	MOVOU  (DI)(R11*1), X5
	PSADBW X5, X3
	PADDL  X3, X4
	LEAQ   (SI)(R8*4), SI
	LEAQ   (DI)(R9*4), DI
	SUBQ   $4, CX
	JNZ    sad16loop
	PADDL  X4, X0
	SUM(X0, X1)
	MOVL   AX, ret+40(FP)
	RET

// func sad8xN(a *byte, as int, b *byte, bs, h int) uint32
// h is a multiple of 4; two rows share a register.
TEXT ·sad8xN(SB), NOSPLIT, $0-44
	MOVQ a+0(FP), SI
	MOVQ as+8(FP), R8
	MOVQ b+16(FP), DI
	MOVQ bs+24(FP), R9
	MOVQ h+32(FP), CX
	LEAQ (R8)(R8*2), R10
	LEAQ (R9)(R9*2), R11
	PXOR X0, X0

sad8loop:
	MOVQ   (SI), X1
	MOVHPS (SI)(R8*1), X1
	MOVQ   (DI), X2
	MOVHPS (DI)(R9*1), X2
	PSADBW X2, X1
	PADDL  X1, X0
	MOVQ   (SI)(R8*2), X3
	MOVHPS (SI)(R10*1), X3
	MOVQ   (DI)(R9*2), X4
	MOVHPS (DI)(R11*1), X4
	PSADBW X4, X3
	PADDL  X3, X0
	LEAQ   (SI)(R8*4), SI
	LEAQ   (DI)(R9*4), DI
	SUBQ   $4, CX
	JNZ    sad8loop
	SUM(X0, X1)
	MOVL   AX, ret+40(FP)
	RET

// Gathers four rows of four bytes into X0; XA, XB, XC are lost.
#define LOAD4X4(P, S, S3, X0, XA, XB, XC) \
	MOVL       (P), X0; \
	MOVL       (P)(S*1), XA; \
	MOVL       (P)(S*2), XB; \
	MOVL       (P)(S3*1), XC; \
	PUNPCKLLQ  XA, X0; \
	PUNPCKLLQ  XC, XB; \
	PUNPCKLQDQ XB, X0

// func sad4x4(a *byte, as int, b *byte, bs int) uint32
TEXT ·sad4x4(SB), NOSPLIT, $0-36
	MOVQ   a+0(FP), SI
	MOVQ   as+8(FP), R8
	MOVQ   b+16(FP), DI
	MOVQ   bs+24(FP), R9
	LEAQ   (R8)(R8*2), R10
	LEAQ   (R9)(R9*2), R11
	LOAD4X4(SI, R8, R10, X0, X1, X2, X3)
	LOAD4X4(DI, R9, R11, X4, X1, X2, X3)
	PSADBW X4, X0
	SUM(X0, X1)
	MOVL   AX, ret+32(FP)
	RET

// func sad16xNx4(src *byte, ss int, ref *byte, rs int, off *[4]int, out *[4]uint32, h int)
TEXT ·sad16xNx4(SB), NOSPLIT, $0-56
	CANDIDATES
	MOVQ h+48(FP), CX
	PXOR X0, X0
	PXOR X1, X1
	PXOR X2, X2
	PXOR X3, X3
	CMPB ·useWide(SB), $0
	JNE  sad16x4wide

sad16x4loop:
	MOVOU  (SI), X4
	MOVOU  (R8), X5
	MOVOU  (R9), X6
	MOVOU  (R10), X7
	MOVOU  (R11), X8
	PSADBW X4, X5
	PSADBW X4, X6
	PSADBW X4, X7
	PSADBW X4, X8
	PADDL  X5, X0
	PADDL  X6, X1
	PADDL  X7, X2
	PADDL  X8, X3
	MOVOU  (SI)(AX*1), X4
	MOVOU  (R8)(BX*1), X5
	MOVOU  (R9)(BX*1), X6
	MOVOU  (R10)(BX*1), X7
	MOVOU  (R11)(BX*1), X8
	PSADBW X4, X5
	PSADBW X4, X6
	PSADBW X4, X7
	PSADBW X4, X8
	PADDL  X5, X0
	PADDL  X6, X1
	PADDL  X7, X2
	PADDL  X8, X3
	LEAQ   (SI)(AX*2), SI
	LEAQ   (R8)(BX*2), R8
	LEAQ   (R9)(BX*2), R9
	LEAQ   (R10)(BX*2), R10
	LEAQ   (R11)(BX*2), R11
	SUBQ   $2, CX
	JNZ    sad16x4loop
	STORESUMS
	RET

	// AVX compares with memory wherever that starts.
sad16x4wide:
	VMOVDQU (SI), X4
	VPSADBW (R8), X4, X5
	VPSADBW (R9), X4, X6
	VPSADBW (R10), X4, X7
	VPSADBW (R11), X4, X8
	VMOVDQU (SI)(AX*1), X4
	VPADDD  X5, X0, X0
	VPADDD  X6, X1, X1
	VPADDD  X7, X2, X2
	VPADDD  X8, X3, X3
	VPSADBW (R8)(BX*1), X4, X5
	VPSADBW (R9)(BX*1), X4, X6
	VPSADBW (R10)(BX*1), X4, X7
	VPSADBW (R11)(BX*1), X4, X8
	VPADDD  X5, X0, X0
	VPADDD  X6, X1, X1
	VPADDD  X7, X2, X2
	VPADDD  X8, X3, X3
	LEAQ    (SI)(AX*2), SI
	LEAQ    (R8)(BX*2), R8
	LEAQ    (R9)(BX*2), R9
	LEAQ    (R10)(BX*2), R10
	LEAQ    (R11)(BX*2), R11
	SUBQ    $2, CX
	JNZ     sad16x4wide
	STORESUMS
	RET

// func sad8xNx4(src *byte, ss int, ref *byte, rs int, off *[4]int, out *[4]uint32, h int)
TEXT ·sad8xNx4(SB), NOSPLIT, $0-56
	CANDIDATES
	MOVQ h+48(FP), CX
	PXOR X0, X0
	PXOR X1, X1
	PXOR X2, X2
	PXOR X3, X3

sad8x4loop:
	MOVQ   (SI), X4
	MOVHPS (SI)(AX*1), X4
	MOVQ   (R8), X5
	MOVHPS (R8)(BX*1), X5
	MOVQ   (R9), X6
	MOVHPS (R9)(BX*1), X6
	MOVQ   (R10), X7
	MOVHPS (R10)(BX*1), X7
	MOVQ   (R11), X8
	MOVHPS (R11)(BX*1), X8
	PSADBW X4, X5
	PSADBW X4, X6
	PSADBW X4, X7
	PSADBW X4, X8
	PADDL  X5, X0
	PADDL  X6, X1
	PADDL  X7, X2
	PADDL  X8, X3
	LEAQ   (SI)(AX*2), SI
	LEAQ   (R8)(BX*2), R8
	LEAQ   (R9)(BX*2), R9
	LEAQ   (R10)(BX*2), R10
	LEAQ   (R11)(BX*2), R11
	SUBQ   $2, CX
	JNZ    sad8x4loop
	STORESUMS
	RET

// func sad4x4x4(src *byte, ss int, ref *byte, rs int, off *[4]int, out *[4]uint32)
TEXT ·sad4x4x4(SB), NOSPLIT, $0-48
	CANDIDATES
	LEAQ   (AX)(AX*2), R12
	LEAQ   (BX)(BX*2), R13
	LOAD4X4(SI, AX, R12, X4, X5, X6, X7)
	LOAD4X4(R8, BX, R13, X0, X5, X6, X7)
	LOAD4X4(R9, BX, R13, X1, X5, X6, X7)
	LOAD4X4(R10, BX, R13, X2, X5, X6, X7)
	LOAD4X4(R11, BX, R13, X3, X5, X6, X7)
	PSADBW X4, X0
	PSADBW X4, X1
	PSADBW X4, X2
	PSADBW X4, X3
	STORESUMS
	RET
