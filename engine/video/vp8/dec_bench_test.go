package vp8

import (
	"path/filepath"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

// BenchmarkDecode decodes a 1432x888 test vector over and over.
func BenchmarkDecode(b *testing.B) {
	path := testdata.Shared(b, "vectors", "vp8", "vp80-00-comprehensive-008.ivf")
	for _, threads := range []int{1, 2} {
		b.Run(filepath.Base(path)+map[int]string{1: "", 2: "/threads"}[threads], func(b *testing.B) {
			benchmarkDecode(b, readFrames(b, path), threads)
		})
	}
}

func benchmarkDecode(b *testing.B, frames [][]byte, threads int) {
	d := NewDecoder(DecoderOptions{Threads: threads})
	defer d.Close()
	bytes, i := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(frames[i]); err != nil {
			b.Fatal(err)
		}
		bytes += len(frames[i])
		i = (i + 1) % len(frames)
	}
	b.SetBytes(int64(bytes / max(b.N, 1)))
}
