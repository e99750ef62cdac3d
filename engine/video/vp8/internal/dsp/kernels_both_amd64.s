//go:build !noasm

#include "textflag.h"

// Kernels that exist for both sets: a jump to the one that useWide says.
#define EITHER(WIDE, NARROW) \
	CMPB ·useWide(SB), $0; \
	JEQ  2(PC); \
	JMP  WIDE; \
	JMP  NARROW

// func sixTap(dst *byte, ds int, src *byte, ss, mx, my, w, h int)
TEXT ·sixTap(SB), NOSPLIT, $0-64
	EITHER(·sixTapAVX2(SB), ·sixTapSSE2(SB))

// func bilinear(dst *byte, ds int, src *byte, ss, mx, my, w, h int)
TEXT ·bilinear(SB), NOSPLIT, $0-64
	EITHER(·bilinearAVX2(SB), ·bilinearSSE2(SB))

// func filterRow(f *MBFilter, n int, y, u, v *byte, ys, uvs, edges int)
TEXT ·filterRow(SB), NOSPLIT, $0-64
	EITHER(·filterRowAVX2(SB), ·filterRowSSE2(SB))

// func filterSimpleV(y *byte, stride, limit int)
TEXT ·filterSimpleV(SB), NOSPLIT, $0-24
	EITHER(·filterSimpleVAVX2(SB), ·filterSimpleVSSE2(SB))

// func filterSimpleH(y *byte, stride, limit int)
TEXT ·filterSimpleH(SB), NOSPLIT, $0-24
	EITHER(·filterSimpleHAVX2(SB), ·filterSimpleHSSE2(SB))

// func average(avgQ7 *uint16, pix *byte, stride, w, h, shift, limitQ7 int)
TEXT ·average(SB), NOSPLIT, $0-56
	EITHER(·averageAVX2(SB), ·averageSSE2(SB))
