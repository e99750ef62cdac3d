package vp8

import (
	"bufio"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/ivf"
	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
	"github.com/edgecam/edgecam/internal/cpufeat"
	"github.com/edgecam/edgecam/internal/testdata"
)

// kernelSets are all sets that this processor has, generic code included.
func kernelSets() []cpufeat.Set {
	sets := []cpufeat.Set{0}
	have := cpufeat.Detected()
	for _, s := range []cpufeat.Set{cpufeat.SSE2, cpufeat.SSE2 | cpufeat.AVX2, cpufeat.NEON, cpufeat.NEON | cpufeat.DotProd} {
		if have&s == s {
			sets = append(sets, s)
		}
	}
	return sets
}

// hashPicture adds the visible part of p, plane by plane, as vpxdec --i420
// writes it.
func hashPicture(h hash.Hash, p *media.Picture) {
	for y := range p.Height {
		h.Write(p.Y[y*p.YStride:][:p.Width])
	}
	cw, ch := p.ChromaSize()
	for _, plane := range [][]byte{p.U, p.V} {
		for y := range ch {
			h.Write(plane[y*p.UVStride:][:cw])
		}
	}
}

func readFrames(tb testing.TB, path string) [][]byte {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	r, err := ivf.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	var frames [][]byte
	for {
		frame, err := r.Next()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return frames
		}
		if err != nil {
			tb.Fatal(err)
		}
		frames = append(frames, append([]byte(nil), frame.Data...))
	}
}

// frameName ends the names in sums per frame: the frame's number, from 1.
var frameName = regexp.MustCompile(`-\d{4}\.i420$`)

// readSums reads the sums of a vector: one per frame, or one for the file.
func readSums(tb testing.TB, path string) (sums []string, perFrame bool) {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		sum, name, _ := strings.Cut(strings.TrimSpace(s.Text()), " ")
		if len(sum) != 2*md5.Size {
			tb.Fatalf("%s: line %q holds no MD5", path, s.Text())
		}
		sums = append(sums, sum)
		perFrame = perFrame || frameName.MatchString(name)
	}
	if len(sums) == 0 {
		tb.Fatalf("%s holds no MD5", path)
	}
	return sums, perFrame
}

func vectors(tb testing.TB) []string {
	tb.Helper()
	dir := testdata.Shared(tb, "vectors", "vp8")
	paths, err := filepath.Glob(filepath.Join(dir, "*.ivf"))
	if err != nil || len(paths) != 61 {
		tb.Fatalf("%d test vectors (%v), want 61", len(paths), err)
	}
	return paths
}

func checkVector(t *testing.T, d *Decoder, path string) (frames int) {
	t.Helper()
	sums, perFrame := readSums(t, path+".md5")
	whole := md5.New()
	for i, data := range readFrames(t, path) {
		p, err := d.Decode(data)
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if p == nil {
			continue
		}
		h := whole
		if perFrame {
			h = md5.New()
		}
		hashPicture(h, p)
		if perFrame {
			if frames >= len(sums) {
				t.Fatalf("more frames than sums (%d)", len(sums))
			}
			if got := hex.EncodeToString(h.Sum(nil)); got != sums[frames] {
				t.Fatalf("frame %d (%dx%d, profile %d, key %v): MD5 %s, want %s", i, p.Width, p.Height, d.Info().Profile, d.Info().Key, got, sums[frames])
			}
		}
		frames++
	}
	if perFrame && frames != len(sums) {
		t.Fatalf("%d frames, want %d", frames, len(sums))
	}
	if !perFrame {
		if got := hex.EncodeToString(whole.Sum(nil)); got != sums[0] {
			t.Fatalf("MD5 of the file %s, want %s", got, sums[0])
		}
	}
	return frames
}

// TestVectors decodes the standard's test set bit-exactly under every kernel
// set, and with workers under the best.
func TestVectors(t *testing.T) {
	paths := vectors(t)
	sets := kernelSets()
	best := len(sets) - 1
	if testing.Short() {
		sets = sets[best:]
		best = 0
	}
	for i, set := range sets {
		testVectors(t, paths, set, 1)
		if i == best {
			testVectors(t, paths, set, 3)
		}
	}
}

func testVectors(t *testing.T, paths []string, set cpufeat.Set, threads int) {
	restore := dsp.SelectKernels(set)
	defer restore()
	var frames atomic.Int64
	// The inner tests run at once; the outer one waits for them, so that the
	// kernels stay selected.
	t.Run(fmt.Sprintf("%s/threads=%d", set, threads), func(t *testing.T) {
		for _, path := range paths {
			t.Run(filepath.Base(path), func(t *testing.T) {
				t.Parallel()
				d := NewDecoder(DecoderOptions{Threads: threads})
				defer d.Close()
				frames.Add(int64(checkVector(t, d, path)))
			})
		}
	})
	t.Logf("%s, %d threads: %d frames", set, threads, frames.Load())
}
