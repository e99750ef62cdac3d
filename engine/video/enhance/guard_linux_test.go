package enhance

import (
	"syscall"
	"testing"
)

// guarded is memory that ends at a page that may not be touched.
type guarded struct{ mem []byte }

func newGuarded(t testing.TB, size int) *guarded {
	t.Helper()
	const page = 65536 // suits every arm64 kernel
	size = (size + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("mmap: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(m) })
	if err := syscall.Mprotect(m[size:], syscall.PROT_NONE); err != nil {
		t.Fatalf("mprotect: %v", err)
	}
	return &guarded{mem: m[:size]}
}

// tail returns n bytes that end at the unmapped page.
func (g *guarded) tail(n int) []byte { return g.mem[len(g.mem)-n:] }
