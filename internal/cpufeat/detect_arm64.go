//go:build !noasm

package cpufeat

import "golang.org/x/sys/cpu"

func detect() Set {
	s := NEON
	if cpu.ARM64.HasASIMDDP {
		s |= DotProd
	}
	return s
}
