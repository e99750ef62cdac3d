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

// func filterMBV(y *byte, stride int, f *MBFilter)
TEXT ·filterMBV(SB), NOSPLIT, $0-24
	EITHER(·filterMBVAVX2(SB), ·filterMBVSSE2(SB))

// func filterMBH(y *byte, stride int, f *MBFilter)
TEXT ·filterMBH(SB), NOSPLIT, $0-24
	EITHER(·filterMBHAVX2(SB), ·filterMBHSSE2(SB))

// func filterSubV(y *byte, stride int, f *MBFilter)
TEXT ·filterSubV(SB), NOSPLIT, $0-24
	EITHER(·filterSubVAVX2(SB), ·filterSubVSSE2(SB))

// func filterSubH(y *byte, stride int, f *MBFilter)
TEXT ·filterSubH(SB), NOSPLIT, $0-24
	EITHER(·filterSubHAVX2(SB), ·filterSubHSSE2(SB))

// func filterMBVuv(u, v *byte, stride int, f *MBFilter)
TEXT ·filterMBVuv(SB), NOSPLIT, $0-32
	EITHER(·filterMBVuvAVX2(SB), ·filterMBVuvSSE2(SB))

// func filterMBHuv(u, v *byte, stride int, f *MBFilter)
TEXT ·filterMBHuv(SB), NOSPLIT, $0-32
	EITHER(·filterMBHuvAVX2(SB), ·filterMBHuvSSE2(SB))

// func filterSubVuv(u, v *byte, stride int, f *MBFilter)
TEXT ·filterSubVuv(SB), NOSPLIT, $0-32
	EITHER(·filterSubVuvAVX2(SB), ·filterSubVuvSSE2(SB))

// func filterSubHuv(u, v *byte, stride int, f *MBFilter)
TEXT ·filterSubHuv(SB), NOSPLIT, $0-32
	EITHER(·filterSubHuvAVX2(SB), ·filterSubHuvSSE2(SB))

// func filterSimpleV(y *byte, stride, limit int)
TEXT ·filterSimpleV(SB), NOSPLIT, $0-24
	EITHER(·filterSimpleVAVX2(SB), ·filterSimpleVSSE2(SB))

// func filterSimpleH(y *byte, stride, limit int)
TEXT ·filterSimpleH(SB), NOSPLIT, $0-24
	EITHER(·filterSimpleHAVX2(SB), ·filterSimpleHSSE2(SB))

// func average(avgQ7 *uint16, pix *byte, stride, w, h, shift, limitQ7 int)
TEXT ·average(SB), NOSPLIT, $0-56
	EITHER(·averageAVX2(SB), ·averageSSE2(SB))
