package kerneltest

import (
	"syscall"
	"testing"
)

// Guarded is memory between two pages that may not be touched: a kernel that
// reads or writes beyond its slices ends the test.
type Guarded struct{ mem []byte }

// NewGuarded returns at least size bytes, which are given back when the test ends.
func NewGuarded(tb testing.TB, size int) *Guarded {
	tb.Helper()
	const page = 65536 // suits every arm64 kernel
	size = (size + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		tb.Fatalf("mmap: %v", err)
	}
	tb.Cleanup(func() { _ = syscall.Munmap(m) })
	for _, p := range [][]byte{m[:page], m[page+size:]} {
		if err := syscall.Mprotect(p, syscall.PROT_NONE); err != nil {
			tb.Fatalf("mprotect: %v", err)
		}
	}
	return &Guarded{mem: m[page : page+size]}
}

// Tail returns n bytes that end at the untouchable page behind.
func (g *Guarded) Tail(n int) []byte { return g.mem[len(g.mem)-n:] }

// Head returns n bytes that begin at the untouchable page before.
func (g *Guarded) Head(n int) []byte { return g.mem[:n:n] }
