// Package cpufeat says which SIMD kernel sets may be used. It reads the
// processor's features once and lets the environment variable EDGECAM_CPU take
// sets away, to find out in the field whether a kernel is at fault:
//
//	EDGECAM_CPU=generic   portable code only
//	EDGECAM_CPU=-avx2     all sets but AVX2 (comma-separated list)
//
// Kernel packages ask once, at start; tests switch sets with [Override].
package cpufeat

import (
	"os"
	"strings"
	"sync/atomic"
)

// Set names a kernel set.
type Set uint32

// The kernel sets in use. SSE2 is every amd64, NEON every arm64.
const (
	SSE2 Set = 1 << iota
	AVX2
	NEON
	DotProd // arm64 UDOT/SDOT
)

var names = []struct {
	name string
	set  Set
}{{"sse2", SSE2}, {"avx2", AVX2}, {"neon", NEON}, {"dotprod", DotProd}}

var active atomic.Uint32

func init() { active.Store(uint32(parse(os.Getenv("EDGECAM_CPU"), detect()))) }

// Has reports whether every set in s may be used.
func Has(s Set) bool { return Set(active.Load())&s == s }

// Active returns all sets that may be used.
func Active() Set { return Set(active.Load()) }

// Detected returns what the processor has, whatever EDGECAM_CPU says.
func Detected() Set { return detect() }

// Override replaces the active sets by s (limited to what the processor has)
// and returns a function that restores them. For tests only: kernels already
// resolved by a package are not resolved again unless it offers to.
func Override(s Set) (restore func()) {
	old := active.Swap(uint32(s & detect()))
	return func() { active.Store(old) }
}

// String lists the sets in s, or "generic".
func (s Set) String() string {
	var out []string
	for _, n := range names {
		if s&n.set != 0 {
			out = append(out, n.name)
		}
	}
	if len(out) == 0 {
		return "generic"
	}
	return strings.Join(out, "+")
}

func parse(env string, have Set) Set {
	for word := range strings.SplitSeq(env, ",") {
		word = strings.TrimSpace(strings.ToLower(word))
		if word == "generic" {
			return 0
		}
		off, ok := strings.CutPrefix(word, "-")
		if !ok {
			continue
		}
		for _, n := range names {
			if n.name == off {
				have &^= n.set
			}
		}
	}
	return have
}
