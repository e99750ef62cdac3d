//go:build !noasm

#include "textflag.h"

// The taps of each fraction as words, for samples -2 to +3.
DATA sixTapWords<>+0(SB)/8, $0x0000008000000000
DATA sixTapWords<>+8(SB)/8, $0x0000000000000000
DATA sixTapWords<>+16(SB)/8, $0x000c007bfffa0000
DATA sixTapWords<>+24(SB)/8, $0x000000000000ffff
DATA sixTapWords<>+32(SB)/8, $0x0024006cfff50002
DATA sixTapWords<>+40(SB)/8, $0x000000000001fff8
DATA sixTapWords<>+48(SB)/8, $0x0032005dfff70000
DATA sixTapWords<>+56(SB)/8, $0x000000000000fffa
DATA sixTapWords<>+64(SB)/8, $0x004d004dfff00003
DATA sixTapWords<>+72(SB)/8, $0x000000000003fff0
DATA sixTapWords<>+80(SB)/8, $0x005d0032fffa0000
DATA sixTapWords<>+88(SB)/8, $0x000000000000fff7
DATA sixTapWords<>+96(SB)/8, $0x006c0024fff80001
DATA sixTapWords<>+104(SB)/8, $0x000000000002fff5
DATA sixTapWords<>+112(SB)/8, $0x007b000cffff0000
DATA sixTapWords<>+120(SB)/8, $0x000000000000fffa
GLOBL sixTapWords<>(SB), RODATA, $128

// SSE2 set: one pass of a filter at a time, its samples R13 bytes apart.

// The word at A in all places of X. AX is lost.
#define WORDS(A, X) \
	MOVWLZX    A, AX; \
	MOVD       AX, X; \
	PSHUFLW    $0, X, X; \
	PUNPCKLQDQ X, X

// The taps of fraction M (lost) to X8 to X13, 64 to X14, 0 to X15.
#define TAPS(M) \
	SHLQ $4, M; \
	LEAQ sixTapWords<>(SB), AX; \
	ADDQ AX, M; \
	WORDS(0(M), X8); \
	WORDS(2(M), X9); \
	WORDS(4(M), X10); \
	WORDS(6(M), X11); \
	WORDS(8(M), X12); \
	WORDS(10(M), X13)

// Words of 64 in X14, zeros in X15.
#define CONSTANTS \
	MOVQ       $64, AX; \
	MOVD       AX, X14; \
	PSHUFLW    $0, X14, X14; \
	PUNPCKLQDQ X14, X14; \
	PXOR       X15, X15

// Results of eight samples at SI to bytes 0 to 7 of X0; LOAD takes eight or four
// samples. The two negative taps come first: the sum of the others may exceed a
// word, and then saturates where 255 is right in any case. R10 is three times R13.
#define SIXTAP(LOAD) \
	MOVQ      SI, AX; \
	SUBQ      R13, AX; \
	LOAD      (AX), X0; \
	LOAD      (AX)(R10*1), X1; \
	LOAD      (AX)(R13*1), X2; \
	LOAD      (AX)(R13*2), X3; \
	LOAD      (AX)(R13*4), X4; \
	SUBQ      R13, AX; \
	LOAD      (AX), X5; \
	PUNPCKLBW X15, X0; \
	PUNPCKLBW X15, X1; \
	PUNPCKLBW X15, X2; \
	PUNPCKLBW X15, X3; \
	PUNPCKLBW X15, X4; \
	PUNPCKLBW X15, X5; \
	PMULLW    X9, X0; \
	PMULLW    X12, X1; \
	PMULLW    X10, X2; \
	PMULLW    X11, X3; \
	PMULLW    X13, X4; \
	PMULLW    X8, X5; \
	PADDW     X1, X0; \
	PADDW     X14, X0; \
	PADDW     X5, X4; \
	PADDSW    X4, X0; \
	PADDSW    X2, X0; \
	PADDSW    X3, X0; \
	PSRAW     $7, X0; \
	PACKUSWB  X0, X0

// One pass over CX rows of BX samples from SI (stride R9) to DI (stride R8).
#define PASS(KERNEL, L16, L8, L4, END) \
	CMPQ BX, $8; \
	JEQ  L8; \
	JB   L4; \
L16: \
	KERNEL(MOVQ); \
	MOVQ X0, (DI); \
	ADDQ $8, SI; \
	KERNEL(MOVQ); \
	MOVQ X0, 8(DI); \
	SUBQ $8, SI; \
	ADDQ R9, SI; \
	ADDQ R8, DI; \
	DECQ CX; \
	JNZ  L16; \
	JMP  END; \
L8: \
	KERNEL(MOVQ); \
	MOVQ X0, (DI); \
	ADDQ R9, SI; \
	ADDQ R8, DI; \
	DECQ CX; \
	JNZ  L8; \
	JMP  END; \
L4: \
	KERNEL(MOVL); \
	MOVL X0, (DI); \
	ADDQ R9, SI; \
	ADDQ R8, DI; \
	DECQ CX; \
	JNZ  L4; \
END:

// func sixTapSSE2(dst *byte, ds int, src *byte, ss, mx, my, w, h int)
// The stack holds up to 21 rows of 16 samples between the passes.
TEXT ·sixTapSSE2(SB), NOSPLIT, $336-64
	MOVQ  dst+0(FP), DI
	MOVQ  ds+8(FP), R8
	MOVQ  src+16(FP), SI
	MOVQ  ss+24(FP), R9
	MOVQ  mx+32(FP), DX
	MOVQ  my+40(FP), R11
	MOVQ  w+48(FP), BX
	MOVQ  h+56(FP), CX
	CONSTANTS
	TESTQ DX, DX
	JZ    columns
	TAPS(DX)
	MOVQ  $1, R13
	MOVQ  $3, R10
	TESTQ R11, R11
	JZ    rows
	LEAQ  tmp-336(SP), DI
	MOVQ  $16, R8
	ADDQ  $5, CX
	SUBQ  R9, SI
	SUBQ  R9, SI

rows:
	PASS(SIXTAP, row16, row8, row4, rowEnd)
	TESTQ R11, R11
	JZ    done
	MOVQ  dst+0(FP), DI
	MOVQ  ds+8(FP), R8
	LEAQ  tmp-304(SP), SI
	MOVQ  $16, R9
	MOVQ  h+56(FP), CX

columns:
	TAPS(R11)
	MOVQ R9, R13
	LEAQ (R9)(R9*2), R10
	PASS(SIXTAP, column16, column8, column4, columnEnd)

done:
	RET

// Results of eight samples at SI to bytes 0 to 7 of X0. X8 and X9 are the weights.
#define BILINEAR(LOAD) \
	LOAD      (SI), X0; \
	LOAD      (SI)(R13*1), X1; \
	PUNPCKLBW X15, X0; \
	PUNPCKLBW X15, X1; \
	PMULLW    X8, X0; \
	PMULLW    X9, X1; \
	PADDW     X14, X0; \
	PADDW     X1, X0; \
	PSRLW     $7, X0; \
	PACKUSWB  X0, X0

// The weights of fraction M (lost), of the sample itself to X8 and of the next to
// X9.
#define WEIGHTS(M) \
	SHLQ       $4, M; \
	MOVD       M, X9; \
	PSHUFLW    $0, X9, X9; \
	PUNPCKLQDQ X9, X9; \
	MOVO       X14, X8; \
	PADDW      X14, X8; \
	PSUBW      X9, X8

// func bilinearSSE2(dst *byte, ds int, src *byte, ss, mx, my, w, h int)
TEXT ·bilinearSSE2(SB), NOSPLIT, $272-64
	MOVQ  dst+0(FP), DI
	MOVQ  ds+8(FP), R8
	MOVQ  src+16(FP), SI
	MOVQ  ss+24(FP), R9
	MOVQ  mx+32(FP), DX
	MOVQ  my+40(FP), R11
	MOVQ  w+48(FP), BX
	MOVQ  h+56(FP), CX
	CONSTANTS
	TESTQ DX, DX
	JZ    second
	WEIGHTS(DX)
	MOVQ  $1, R13
	TESTQ R11, R11
	JZ    first
	LEAQ  tmp-272(SP), DI
	MOVQ  $16, R8
	INCQ  CX

first:
	PASS(BILINEAR, row16, row8, row4, rowEnd)
	TESTQ R11, R11
	JZ    bilinearDone
	MOVQ  dst+0(FP), DI
	MOVQ  ds+8(FP), R8
	LEAQ  tmp-272(SP), SI
	MOVQ  $16, R9
	MOVQ  h+56(FP), CX

second:
	WEIGHTS(R11)
	MOVQ R9, R13
	PASS(BILINEAR, column16, column8, column4, columnEnd)

bilinearDone:
	RET
