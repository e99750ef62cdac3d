//go:build !noasm

#include "textflag.h"

// func correlateAVX2(dst, x, y *float64, n, lags int)
// Lanes are lags: 16 at a time, then 8.
TEXT ·correlateAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ n+24(FP), R8
	MOVQ lags+32(FP), CX

sixteen:
	CMPQ   CX, $16
	JLT    eight
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3
	MOVQ   SI, AX
	MOVQ   DX, BX
	MOVQ   R8, R9

sixteenLoop:
	VBROADCASTSD (AX), Y4
	VMULPD       (BX), Y4, Y5
	VMULPD       32(BX), Y4, Y6
	VMULPD       64(BX), Y4, Y7
	VMULPD       96(BX), Y4, Y8
	VADDPD       Y5, Y0, Y0
	VADDPD       Y6, Y1, Y1
	VADDPD       Y7, Y2, Y2
	VADDPD       Y8, Y3, Y3
	ADDQ         $8, AX
	ADDQ         $8, BX
	DECQ         R9
	JNE          sixteenLoop
	VMOVUPD      Y0, (DI)
	VMOVUPD      Y1, 32(DI)
	VMOVUPD      Y2, 64(DI)
	VMOVUPD      Y3, 96(DI)
	ADDQ         $128, DI
	ADDQ         $128, DX
	SUBQ         $16, CX
	JMP          sixteen

eight:
	TESTQ  CX, CX
	JE     done
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1

eightLoop:
	VBROADCASTSD (SI), Y4
	VMULPD       (DX), Y4, Y5
	VMULPD       32(DX), Y4, Y6
	VADDPD       Y5, Y0, Y0
	VADDPD       Y6, Y1, Y1
	ADDQ         $8, SI
	ADDQ         $8, DX
	DECQ         R8
	JNE          eightLoop
	VMOVUPD      Y0, (DI)
	VMOVUPD      Y1, 32(DI)

done:
	VZEROUPPER
	RET

// func correlateSSE2(dst, x, y *float64, n, lags int)
// Lanes are lags, 8 at a time.
TEXT ·correlateSSE2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ n+24(FP), R8
	MOVQ lags+32(FP), CX

next:
	XORPS X0, X0
	XORPS X1, X1
	XORPS X2, X2
	XORPS X3, X3
	MOVQ  SI, AX
	MOVQ  DX, BX
	MOVQ  R8, R9

loop:
	MOVSD    (AX), X4
	UNPCKLPD X4, X4
	MOVUPD   (BX), X5
	MOVUPD   16(BX), X6
	MOVUPD   32(BX), X7
	MOVUPD   48(BX), X8
	MULPD    X4, X5
	MULPD    X4, X6
	MULPD    X4, X7
	MULPD    X4, X8
	ADDPD    X5, X0
	ADDPD    X6, X1
	ADDPD    X7, X2
	ADDPD    X8, X3
	ADDQ     $8, AX
	ADDQ     $8, BX
	DECQ     R9
	JNE      loop
	MOVUPD   X0, (DI)
	MOVUPD   X1, 16(DI)
	MOVUPD   X2, 32(DI)
	MOVUPD   X3, 48(DI)
	ADDQ     $64, DI
	ADDQ     $64, DX
	SUBQ     $8, CX
	JNE      next
	RET
