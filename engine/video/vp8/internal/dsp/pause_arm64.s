//go:build !noasm

#include "textflag.h"

// YIELD is a NOP on most cores; an instruction barrier drains the pipeline, which
// takes about as long as PAUSE on amd64.
//
// func Pause(n int)
TEXT ·Pause(SB), NOSPLIT, $0-8
	MOVD n+0(FP), R0

loop:
	ISB  $15
	SUBS $1, R0, R0
	BGT  loop
	RET
