package aec

import (
	"syscall"
	"testing"
)

// guarded is memory between two pages that may not be touched.
type guarded struct{ mem []byte }

func newGuarded(t testing.TB) *guarded {
	t.Helper()
	const page, pages = 65536, 4 // pages of 64 KiB suit every arm64 kernel
	m, err := syscall.Mmap(-1, 0, page*pages, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("mmap: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(m) })
	for _, p := range [][]byte{m[:page], m[len(m)-page:]} {
		if err := syscall.Mprotect(p, syscall.PROT_NONE); err != nil {
			t.Fatalf("mprotect: %v", err)
		}
	}
	return &guarded{mem: m[page : len(m)-page]}
}

// tail returns n bytes that end at the unmapped page.
func (g *guarded) tail(n int) []byte { return g.mem[len(g.mem)-n:] }
