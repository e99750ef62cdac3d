//go:build !noasm

package cpufeat

import "golang.org/x/sys/cpu"

func detect() Set {
	s := SSE2
	if cpu.X86.HasAVX2 && cpu.X86.HasBMI2 {
		s |= AVX2
	}
	return s
}
