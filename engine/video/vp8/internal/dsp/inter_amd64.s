//go:build !noasm

#include "textflag.h"

// The taps of each fraction as bytes in the order of the pairs that are
// multiplied together: samples (-2,+3), (-1,0), (+1,+2). The first pair is
// never negative, and each of the others has one negative tap at most, so that
// only sums that end above 255 saturate.
DATA sixTapK<>+0(SB)/8, $0x0000000080000000
DATA sixTapK<>+8(SB)/8, $0x0000ff0c7bfa0000
DATA sixTapK<>+16(SB)/8, $0x0000f8246cf50102
DATA sixTapK<>+24(SB)/8, $0x0000fa325df70000
DATA sixTapK<>+32(SB)/8, $0x0000f04d4df00303
DATA sixTapK<>+40(SB)/8, $0x0000f75d32fa0000
DATA sixTapK<>+48(SB)/8, $0x0000f56c24f80201
DATA sixTapK<>+56(SB)/8, $0x0000fa7b0cff0000
GLOBL sixTapK<>(SB), RODATA, $64

DATA round64<>+0(SB)/4, $0x00400040
GLOBL round64<>(SB), RODATA, $4

// Eight results need samples -2 to +10: bytes 0-7 of a register hold -2 to 5,
// bytes 8-15 hold 3 to 10. The three shuffles make the pairs of the taps.
DATA pairs<>+0(SB)/8, $0x0b030a0209010800
DATA pairs<>+8(SB)/8, $0x0f070e060d050c04
DATA pairs<>+16(SB)/8, $0x0504040303020201
DATA pairs<>+24(SB)/8, $0x0c0b0b0707060605
DATA pairs<>+32(SB)/8, $0x0706060505040403
DATA pairs<>+40(SB)/8, $0x0e0d0d0c0c0b0b07
GLOBL pairs<>(SB), RODATA, $48

// The same for 16 results: the low half of a register holds samples -2 to 13, the
// high half 3 to 18.
DATA pairs16<>+0(SB)/8, $0x0803070206010500
DATA pairs16<>+8(SB)/8, $0x0c070b060a050904
DATA pairs16<>+16(SB)/8, $0x0b060a0509040803
DATA pairs16<>+24(SB)/8, $0x0f0a0e090d080c07
DATA pairs16<>+32(SB)/8, $0x0504040303020201
DATA pairs16<>+40(SB)/8, $0x0908080707060605
DATA pairs16<>+48(SB)/8, $0x0807070606050504
DATA pairs16<>+56(SB)/8, $0x0c0b0b0a0a090908
DATA pairs16<>+64(SB)/8, $0x0706060505040403
DATA pairs16<>+72(SB)/8, $0x0b0a0a0909080807
DATA pairs16<>+80(SB)/8, $0x0a09090808070706
DATA pairs16<>+88(SB)/8, $0x0e0d0d0c0c0b0b0a
GLOBL pairs16<>(SB), RODATA, $96

DATA scale256<>+0(SB)/4, $0x01000100
GLOBL scale256<>(SB), RODATA, $4

// A, B, C: pairs of samples; K0 to K2 the taps. Leaves words 0 to 255 and more
// in A. S holds words of 256: the rounded high half of twice the product is
// (A+64)>>7.
#define SIXTAP(A, B, C, K0, K1, K2, S) \
	VPMADDUBSW K0, A, A; \
	VPMADDUBSW K1, B, B; \
	VPMADDUBSW K2, C, C; \
	VPADDSW    C, B, B; \
	VPADDSW    B, A, A; \
	VPMULHRSW  S, A, A

// Eight words of a row in each half of Y0, of the next in Y1: both rows to DI.
#define STORE2ROWS(Y1) \
	VPACKUSWB    Y1, Y0, Y0; \
	VPERMQ       $0xd8, Y0, Y0; \
	VMOVDQU      X0, (DI); \
	VEXTRACTI128 $1, Y0, (DI)(R8*1); \
	LEAQ         (SI)(R9*2), SI; \
	LEAQ         (DI)(R8*2), DI

// Two rows of 16 columns. A to E are the rows from two above the first, bytes 0-7
// in the low half of a register and 8-15 in the high half; Y9 has the pairs of
// rows (-1,0), Y10 those of (0,+1). F and A get the next rows, and C to F, A are
// what the next two rows need.
#define COLUMNS2(XA, A, B, C, D, E, XF, F) \
	VMOVDQU    (SI), XF; \
	VPERMQ     $0x10, F, F; \
	VPUNPCKLBW F, A, Y0; \
	VPMADDUBSW Y13, Y9, Y1; \
	VPUNPCKLBW E, D, Y9; \
	VPMADDUBSW Y12, Y0, Y0; \
	VPMADDUBSW Y14, Y9, Y2; \
	VPADDSW    Y2, Y1, Y1; \
	VPADDSW    Y1, Y0, Y0; \
	VPMULHRSW  Y15, Y0, Y0; \
	VMOVDQU    (SI)(R9*1), XA; \
	VPERMQ     $0x10, A, A; \
	VPUNPCKLBW A, B, Y1; \
	VPMADDUBSW Y13, Y10, Y2; \
	VPUNPCKLBW F, E, Y10; \
	VPMADDUBSW Y12, Y1, Y1; \
	VPMADDUBSW Y14, Y10, Y11; \
	VPADDSW    Y11, Y2, Y2; \
	VPADDSW    Y2, Y1, Y1; \
	VPMULHRSW  Y15, Y1, Y1; \
	STORE2ROWS(Y1)

// func sixTapAVX2(dst *byte, ds int, src *byte, ss, mx, my, w, h int)
// The stack holds up to 21 rows of 16 samples between the passes.
TEXT ·sixTapAVX2(SB), NOSPLIT, $336-64
	MOVQ dst+0(FP), DI
	MOVQ ds+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ ss+24(FP), R9
	MOVQ mx+32(FP), R10
	MOVQ my+40(FP), R11
	MOVQ w+48(FP), BX
	MOVQ h+56(FP), DX
	LEAQ sixTapK<>(SB), R12
	VPBROADCASTD scale256<>(SB), Y15
	TESTQ R10, R10
	JZ    vertical

	// Rows.
	LEAQ         (R12)(R10*8), AX
	VPBROADCASTW 0(AX), Y12
	VPBROADCASTW 2(AX), Y13
	VPBROADCASTW 4(AX), Y14
	VMOVDQU      pairs<>+0(SB), X9
	VMOVDQU      pairs<>+16(SB), X10
	VMOVDQU      pairs<>+32(SB), X11
	MOVQ         DX, CX
	TESTQ        R11, R11
	JZ           rows
	LEAQ         tmp-336(SP), DI
	MOVQ         $16, R8
	ADDQ         $5, CX
	LEAQ         (R9)(R9*1), AX
	SUBQ         AX, SI

rows:
	CMPQ    BX, $8
	JEQ     rows8
	JB      rows4
	VMOVDQU pairs16<>+0(SB), Y9
	VMOVDQU pairs16<>+32(SB), Y10
	VMOVDQU pairs16<>+64(SB), Y11
	SUBQ    $2, CX

rows16:
	VMOVDQU     -2(SI), X0
	VINSERTI128 $1, 3(SI), Y0, Y2
	VPSHUFB     Y9, Y2, Y0
	VPSHUFB     Y10, Y2, Y1
	VPSHUFB     Y11, Y2, Y2
	SIXTAP(Y0, Y1, Y2, Y12, Y13, Y14, Y15)
	VMOVDQU     -2(SI)(R9*1), X3
	VINSERTI128 $1, 3(SI)(R9*1), Y3, Y5
	VPSHUFB     Y9, Y5, Y3
	VPSHUFB     Y10, Y5, Y4
	VPSHUFB     Y11, Y5, Y5
	SIXTAP(Y3, Y4, Y5, Y12, Y13, Y14, Y15)
	STORE2ROWS(Y3)
	SUBQ        $2, CX
	JGE         rows16
	CMPQ        CX, $-1
	JNE         rowsDone
	VMOVDQU     -2(SI), X0
	VINSERTI128 $1, 3(SI), Y0, Y2
	VPSHUFB     Y9, Y2, Y0
	VPSHUFB     Y10, Y2, Y1
	VPSHUFB     Y11, Y2, Y2
	SIXTAP(Y0, Y1, Y2, Y12, Y13, Y14, Y15)
	VEXTRACTI128 $1, Y0, X1
	VPACKUSWB   X1, X0, X0
	VMOVDQU     X0, (DI)
	JMP         rowsDone

rows8:
	VMOVQ     -2(SI), X2
	VMOVHPS   3(SI), X2, X2
	VPSHUFB   X9, X2, X0
	VPSHUFB   X10, X2, X1
	VPSHUFB   X11, X2, X2
	SIXTAP(X0, X1, X2, X12, X13, X14, X15)
	VPACKUSWB X0, X0, X0
	VMOVQ     X0, (DI)
	ADDQ      R9, SI
	ADDQ      R8, DI
	DECQ      CX
	JNZ       rows8
	JMP       rowsDone

rows4:
	VMOVQ       -2(SI), X2
	VMOVD       3(SI), X1
	VPUNPCKLQDQ X1, X2, X2
	VPSHUFB     X9, X2, X0
	VPSHUFB     X10, X2, X1
	VPSHUFB     X11, X2, X2
	SIXTAP(X0, X1, X2, X12, X13, X14, X15)
	VPACKUSWB   X0, X0, X0
	VMOVD       X0, (DI)
	ADDQ        R9, SI
	ADDQ        R8, DI
	DECQ        CX
	JNZ         rows4

rowsDone:
	TESTQ R11, R11
	JZ    done
	MOVQ  dst+0(FP), DI
	MOVQ  ds+8(FP), R8
	LEAQ  tmp-336(SP), SI
	MOVQ  $16, R9
	JMP   columns

vertical:
	LEAQ (R9)(R9*1), AX
	SUBQ AX, SI

columns:
	// SI is two rows above the block.
	LEAQ         (R12)(R11*8), AX
	VPBROADCASTW 0(AX), Y12
	VPBROADCASTW 2(AX), Y13
	VPBROADCASTW 4(AX), Y14
	MOVQ         DX, CX
	CMPQ         BX, $8
	JEQ          columns8
	JB           columns4

	VMOVDQU    (SI), X3
	VPERMQ     $0x10, Y3, Y3
	VMOVDQU    (SI)(R9*1), X4
	VPERMQ     $0x10, Y4, Y4
	LEAQ       (SI)(R9*2), SI
	VMOVDQU    (SI), X5
	VPERMQ     $0x10, Y5, Y5
	VMOVDQU    (SI)(R9*1), X6
	VPERMQ     $0x10, Y6, Y6
	LEAQ       (SI)(R9*2), SI
	VMOVDQU    (SI), X7
	VPERMQ     $0x10, Y7, Y7
	ADDQ       R9, SI
	VPUNPCKLBW Y5, Y4, Y9
	VPUNPCKLBW Y6, Y5, Y10
	COLUMNS2(X3, Y3, Y4, Y5, Y6, Y7, X8, Y8)
	COLUMNS2(X5, Y5, Y6, Y7, Y8, Y3, X4, Y4)
	CMPQ       DX, $8
	JB         done
	COLUMNS2(X7, Y7, Y8, Y3, Y4, Y5, X6, Y6)
	COLUMNS2(X3, Y3, Y4, Y5, Y6, Y7, X8, Y8)
	CMPQ       DX, $8
	JEQ        done
	COLUMNS2(X5, Y5, Y6, Y7, Y8, Y3, X4, Y4)
	COLUMNS2(X7, Y7, Y8, Y3, Y4, Y5, X6, Y6)
	COLUMNS2(X3, Y3, Y4, Y5, Y6, Y7, X8, Y8)
	COLUMNS2(X5, Y5, Y6, Y7, Y8, Y3, X4, Y4)
	JMP        done

columns8:
	VMOVQ (SI), X3
	VMOVQ (SI)(R9*1), X4
	LEAQ  (SI)(R9*2), SI
	VMOVQ (SI), X5
	VMOVQ (SI)(R9*1), X6
	LEAQ  (SI)(R9*2), SI
	VMOVQ (SI), X7

columns8loop:
	ADDQ       R9, SI
	VMOVQ      (SI), X8
	VPUNPCKLBW X8, X3, X0
	VPUNPCKLBW X5, X4, X1
	VPUNPCKLBW X7, X6, X2
	SIXTAP(X0, X1, X2, X12, X13, X14, X15)
	VPACKUSWB  X0, X0, X0
	VMOVQ      X0, (DI)
	ADDQ       R8, DI
	VMOVDQA    X4, X3
	VMOVDQA    X5, X4
	VMOVDQA    X6, X5
	VMOVDQA    X7, X6
	VMOVDQA    X8, X7
	DECQ       CX
	JNZ        columns8loop
	JMP        done

columns4:
	VMOVD (SI), X3
	VMOVD (SI)(R9*1), X4
	LEAQ  (SI)(R9*2), SI
	VMOVD (SI), X5
	VMOVD (SI)(R9*1), X6
	LEAQ  (SI)(R9*2), SI
	VMOVD (SI), X7

columns4loop:
	ADDQ       R9, SI
	VMOVD      (SI), X8
	VPUNPCKLBW X8, X3, X0
	VPUNPCKLBW X5, X4, X1
	VPUNPCKLBW X7, X6, X2
	SIXTAP(X0, X1, X2, X12, X13, X14, X15)
	VPACKUSWB  X0, X0, X0
	VMOVD      X0, (DI)
	ADDQ       R8, DI
	VMOVDQA    X4, X3
	VMOVDQA    X5, X4
	VMOVDQA    X6, X5
	VMOVDQA    X7, X6
	VMOVDQA    X8, X7
	DECQ       CX
	JNZ        columns4loop

done:
	VZEROUPPER
	RET

// Two samples weighed by the byte pairs in K: words in A.
#define BILINEAR(A, K, R64) \
	VPMADDUBSW K, A, A; \
	VPADDW     R64, A, A; \
	VPSRLW     $7, A, A

// One bilinear pass over CX rows of BX samples from SI (stride R9) to DI
// (stride R8); the second sample is R13 bytes on. X14 taps, X15 rounding.
#define BILINEARPASS(L16, L8, L4, END) \
	CMPQ BX, $8; \
	JEQ  L8; \
	JB   L4; \
L16: \
	VMOVDQU    (SI), X0; \
	VMOVDQU    (SI)(R13*1), X1; \
	VPUNPCKHBW X1, X0, X2; \
	VPUNPCKLBW X1, X0, X0; \
	BILINEAR(X0, X14, X15); \
	BILINEAR(X2, X14, X15); \
	VPACKUSWB  X2, X0, X0; \
	VMOVDQU    X0, (DI); \
	ADDQ       R9, SI; \
	ADDQ       R8, DI; \
	DECQ       CX; \
	JNZ        L16; \
	JMP        END; \
L8: \
	VMOVQ      (SI), X0; \
	VMOVQ      (SI)(R13*1), X1; \
	VPUNPCKLBW X1, X0, X0; \
	BILINEAR(X0, X14, X15); \
	VPACKUSWB  X0, X0, X0; \
	VMOVQ      X0, (DI); \
	ADDQ       R9, SI; \
	ADDQ       R8, DI; \
	DECQ       CX; \
	JNZ        L8; \
	JMP        END; \
L4: \
	VMOVD      (SI), X0; \
	VMOVD      (SI)(R13*1), X1; \
	VPUNPCKLBW X1, X0, X0; \
	BILINEAR(X0, X14, X15); \
	VPACKUSWB  X0, X0, X0; \
	VMOVD      X0, (DI); \
	ADDQ       R9, SI; \
	ADDQ       R8, DI; \
	DECQ       CX; \
	JNZ        L4; \
END:

// Broadcasts the byte pair (128-16*M, 16*M) to X14. M is lost.
#define WEIGHTS(M) \
	SHLQ         $4, M; \
	MOVQ         $128, AX; \
	SUBQ         M, AX; \
	SHLQ         $8, M; \
	ORQ          M, AX; \
	VMOVD        AX, X14; \
	VPBROADCASTW X14, X14

// func bilinearAVX2(dst *byte, ds int, src *byte, ss, mx, my, w, h int)
TEXT ·bilinearAVX2(SB), NOSPLIT, $272-64
	MOVQ dst+0(FP), DI
	MOVQ ds+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ ss+24(FP), R9
	MOVQ mx+32(FP), R10
	MOVQ my+40(FP), R11
	MOVQ w+48(FP), BX
	MOVQ h+56(FP), CX
	VPBROADCASTD round64<>(SB), X15
	TESTQ R10, R10
	JZ    second
	TESTQ R11, R11
	JZ    first
	LEAQ  tmp-272(SP), DI
	MOVQ  $16, R8
	INCQ  CX

first:
	MOVQ $1, R13
	WEIGHTS(R10)
	BILINEARPASS(row16, row8, row4, rowEnd)
	TESTQ R11, R11
	JZ    bilinearDone
	MOVQ  dst+0(FP), DI
	MOVQ  ds+8(FP), R8
	LEAQ  tmp-272(SP), SI
	MOVQ  $16, R9
	MOVQ  h+56(FP), CX

second:
	MOVQ R9, R13
	WEIGHTS(R11)
	BILINEARPASS(column16, column8, column4, columnEnd)

bilinearDone:
	RET
