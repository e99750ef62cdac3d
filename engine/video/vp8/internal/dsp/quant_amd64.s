//go:build !noasm

#include "textflag.h"

// Byte shuffles from raster to coding order. Coding order is raster positions
// 0 1 4 8 5 2 3 6 | 9 12 13 10 7 11 14 15: each half takes seven words from
// its own raster half (first table) and one from the other (second table).
DATA zigzagOwn<>+0(SB)/8, $0x80800908_03020100
DATA zigzagOwn<>+8(SB)/8, $0x0d0c0706_05040b0a
DATA zigzagOwn<>+16(SB)/8, $0x05040b0a_09080302
DATA zigzagOwn<>+24(SB)/8, $0x0f0e0d0c_07068080
GLOBL zigzagOwn<>(SB), RODATA, $32

DATA zigzagOther<>+0(SB)/8, $0x01008080_80808080
DATA zigzagOther<>+8(SB)/8, $0x80808080_80808080
DATA zigzagOther<>+16(SB)/8, $0x80808080_80808080
DATA zigzagOther<>+24(SB)/8, $0x80808080_80800f0e
GLOBL zigzagOther<>(SB), RODATA, $32

// All ones, but for the first word of the upper half of the pair.
DATA skipFirst<>+0(SB)/8, $0xffffffff_ffffffff
DATA skipFirst<>+8(SB)/8, $0xffffffff_ffffffff
DATA skipFirst<>+16(SB)/8, $0xffffffff_ffffffff
DATA skipFirst<>+24(SB)/8, $0xffffffff_ffffffff
DATA skipFirst<>+32(SB)/8, $0xffffffff_ffff0000
DATA skipFirst<>+40(SB)/8, $0xffffffff_ffffffff
DATA skipFirst<>+48(SB)/8, $0xffffffff_ffffffff
DATA skipFirst<>+56(SB)/8, $0xffffffff_ffffffff
GLOBL skipFirst<>(SB), RODATA, $64

// SSE2: one half of a block. KEEP clears what is not to be coded.
#define QUANTHALF(BIN, ROUND, MUL, STEP, OUT, O, KEEP) \
	MOVOU   O(SI), X0; \
	MOVO    X0, X1; \
	PSRAW   $15, X1; \
	PXOR    X1, X0; \
	PSUBW   X1, X0; \
	MOVO    BIN, OUT; \
	PCMPGTW X0, OUT; \
	PADDW   ROUND, X0; \
	PMULHUW MUL, X0; \
	PANDN   X0, OUT; \
	KEEP; \
	PXOR    X1, OUT; \
	PSUBW   X1, OUT; \
	MOVO    OUT, X0; \
	PMULLW  STEP, X0; \
	MOVOU   X0, O(DX)

#define KEEPFIRST PAND X7, X5

#define MOVELEVEL(LANE, X, O) \
	PEXTRW LANE, X, AX; \
	MOVW   AX, O(DI)

// func quantizeBlocks(levels, dequant, coef *int16, eobs *uint8, m *QuantMatrix, first, n int)
// A block is one register.
TEXT ·quantizeBlocks(SB), NOSPLIT, $0-56
	MOVQ    levels+0(FP), DI
	MOVQ    dequant+8(FP), DX
	MOVQ    coef+16(FP), SI
	MOVQ    eobs+24(FP), BX
	MOVQ    m+32(FP), R8
	MOVQ    first+40(FP), R9
	MOVQ    n+48(FP), CX
	CMPB    ·useWide(SB), $0
	JEQ     quantnarrow
	VMOVDQU 0(R8), Y8               // zero bin
	VMOVDQU 32(R8), Y9              // round
	VMOVDQU 64(R8), Y10             // reciprocal
	VMOVDQU 96(R8), Y11             // step
	LEAQ    skipFirst<>(SB), R10
	SHLQ    $5, R9
	VMOVDQU (R10)(R9*1), Y12
	VMOVDQU zigzagOwn<>(SB), Y13
	VMOVDQU zigzagOther<>(SB), Y14
	VPXOR   Y15, Y15, Y15

quantloop:
	VMOVDQU    (SI), Y0
	VPSRAW     $15, Y0, Y1           // sign
	VPABSW     Y0, Y2
	VPCMPGTW   Y2, Y8, Y3            // below the zero bin
	VPADDW     Y9, Y2, Y2
	VPMULHUW   Y10, Y2, Y2
	VPANDN     Y2, Y3, Y2
	VPAND      Y12, Y2, Y2
	VPXOR      Y1, Y2, Y2
	VPSUBW     Y1, Y2, Y2            // levels, raster
	VPMULLW    Y11, Y2, Y3
	VMOVDQU    Y3, (DX)
	VPERM2I128 $1, Y2, Y2, Y4
	VPSHUFB    Y13, Y2, Y5
	VPSHUFB    Y14, Y4, Y4
	VPOR       Y4, Y5, Y5            // levels, coding order
	VMOVDQU    Y5, (DI)

	// Bit n+1 of the mask says that level n is not 0; bit 0 is set, so that the
	// highest set bit is the end of block.
	VPCMPEQW     Y15, Y5, Y5
	VEXTRACTI128 $1, Y5, X6
	VPACKSSWB    X6, X5, X5
	VPMOVMSKB    X5, AX
	NOTL         AX
	ANDL         $0xffff, AX
	LEAL         1(AX)(AX*1), AX
	BSRL         AX, AX
	MOVB         AX, (BX)
	ADDQ         $32, SI
	ADDQ         $32, DX
	ADDQ         $32, DI
	INCQ         BX
	DECQ         CX
	JNZ          quantloop
	VZEROUPPER
	RET

quantnarrow:
	MOVOU 0(R8), X8
	MOVOU 16(R8), X9
	MOVOU 32(R8), X10
	MOVOU 48(R8), X11
	MOVOU 64(R8), X12
	MOVOU 80(R8), X13
	MOVOU 96(R8), X14
	MOVOU 112(R8), X15
	LEAQ  skipFirst<>(SB), R10
	SHLQ  $5, R9
	MOVOU (R10)(R9*1), X7
	PXOR  X4, X4

quantnarrowLoop:
	QUANTHALF(X8, X10, X12, X14, X5, 0, KEEPFIRST)
	QUANTHALF(X9, X11, X13, X15, X6, 16, NOP)
	MOVELEVEL($0, X5, 0)
	MOVELEVEL($1, X5, 2)
	MOVELEVEL($2, X5, 10)
	MOVELEVEL($3, X5, 12)
	MOVELEVEL($4, X5, 4)
	MOVELEVEL($5, X5, 8)
	MOVELEVEL($6, X5, 14)
	MOVELEVEL($7, X5, 24)
	MOVELEVEL($0, X6, 6)
	MOVELEVEL($1, X6, 16)
	MOVELEVEL($2, X6, 22)
	MOVELEVEL($3, X6, 26)
	MOVELEVEL($4, X6, 18)
	MOVELEVEL($5, X6, 20)
	MOVELEVEL($6, X6, 28)
	MOVELEVEL($7, X6, 30)

	// The mask as above, from the levels in coding order.
	MOVOU    0(DI), X5
	MOVOU    16(DI), X6
	PCMPEQW  X4, X5
	PCMPEQW  X4, X6
	PACKSSWB X6, X5
	PMOVMSKB X5, AX
	NOTL     AX
	ANDL     $0xffff, AX
	LEAL     1(AX)(AX*1), AX
	BSRL     AX, AX
	MOVB     AX, (BX)
	ADDQ     $32, SI
	ADDQ     $32, DX
	ADDQ     $32, DI
	INCQ     BX
	DECQ     CX
	JNZ      quantnarrowLoop
	RET
