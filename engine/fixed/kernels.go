package fixed

import "github.com/edgecam/edgecam/internal/cpufeat"

func init() { selectKernels(cpufeat.Active()) }

// SelectKernels makes the package use only the kernel sets in set (limited to
// what the processor has) and returns a function that restores the former
// choice. For tests and benchmarks; no other call may run meanwhile.
func SelectKernels(set cpufeat.Set) (restore func()) {
	old := selected
	selectKernels(set & cpufeat.Detected())
	return func() { selectKernels(old) }
}

var selected cpufeat.Set
