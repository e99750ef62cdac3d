package vp8

import (
	"crypto/md5"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

// envCount returns the number in an environment variable, or def: long runs
// are asked for by hand.
func envCount(tb testing.TB, name string, def int) int {
	tb.Helper()
	s := os.Getenv(name)
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		tb.Fatalf("%s=%q is not a positive number", name, s)
	}
	return n
}

// damage returns a damaged copy of frame: bits flipped, cut short, or spliced
// with another frame.
func damage(rng *rand.Rand, frame, other []byte) []byte {
	out := append([]byte(nil), frame...)
	switch rng.IntN(4) {
	case 0: // a few bits anywhere
		for range 1 + rng.IntN(8) {
			out[rng.IntN(len(out))] ^= 1 << rng.IntN(8)
		}
	case 1: // bits of the header
		for range 1 + rng.IntN(4) {
			out[rng.IntN(min(len(out), 40))] ^= 1 << rng.IntN(8)
		}
	case 2:
		out = out[:rng.IntN(len(out))]
	default:
		at := rng.IntN(min(len(out), len(other)))
		out = append(out[:at], other[at:]...)
	}
	return out
}

func smallVectors(tb testing.TB) (paths []string, streams [][][]byte) {
	tb.Helper()
	for _, name := range []string{"00-comprehensive-001", "00-comprehensive-003", "00-comprehensive-007", "00-comprehensive-010", "00-comprehensive-016", "03-segmentation-1425", "04-partitions-1404", "02-inter-1418"} {
		path := testdata.Shared(tb, "vectors", "vp8", "vp80-"+name+".ivf")
		paths = append(paths, path)
		streams = append(streams, readFrames(tb, path))
	}
	return paths, streams
}

// TestDamagedStreams decodes frames with bits flipped, cut short and spliced:
// nothing may panic, memory stays that of the largest picture allowed, and the
// next key frame restores everything. EDGECAM_VP8_DAMAGED sets the number of
// damaged frames.
func TestDamagedStreams(t *testing.T) {
	count := envCount(t, "EDGECAM_VP8_DAMAGED", 3000)
	if testing.Short() {
		count = 500
	}
	const maxSide = 384
	paths, streams := smallVectors(t)
	rng := rand.New(rand.NewPCG(7, 8))
	decoders := []*Decoder{
		NewDecoder(DecoderOptions{MaxWidth: maxSide, MaxHeight: maxSide}),
		NewDecoder(DecoderOptions{MaxWidth: maxSide, MaxHeight: maxSide, Threads: 2}),
	}
	kinds := map[string]int{}
	done := 0
	for done < count {
		d := decoders[rng.IntN(len(decoders))]
		s := streams[rng.IntN(len(streams))]
		for i := 0; i < len(s) && done < count; i++ {
			data := s[i]
			if rng.IntN(3) == 0 {
				other := streams[rng.IntN(len(streams))]
				data = damage(rng, data, other[rng.IntN(len(other))])
				done++
			}
			p, err := d.Decode(data)
			switch {
			case err == nil:
				kinds["ok"]++
			case errors.Is(err, ErrCorrupt):
				kinds["corrupt"]++
				if !d.Info().Corrupt {
					t.Fatalf("error %v, but FrameInfo says not corrupt", err)
				}
			case errors.Is(err, ErrTooLarge), errors.Is(err, ErrNoKeyFrame):
				kinds["rejected"]++
			default:
				t.Fatalf("unexpected kind of error: %v", err)
			}
			if p != nil && (p.Width > maxSide || p.Height > maxSide || p.Width < 1 || p.Height < 1) {
				t.Fatalf("picture of %dx%d", p.Width, p.Height)
			}
			if n := len(d.frames); n > 5 {
				t.Fatalf("%d frames allocated", n)
			}
		}
	}
	t.Logf("%d damaged frames: %v", done, kinds)
	if kinds["corrupt"] < count/20 {
		t.Errorf("only %d frames of %d were found to be damaged", kinds["corrupt"], done)
	}
	for _, d := range decoders {
		for _, path := range paths {
			checkVector(t, d, path)
		}
		d.Close()
	}
}

// TestMemoryIsBounded lets a stream ask for all sizes up to and beyond the
// limit.
func TestMemoryIsBounded(t *testing.T) {
	key := readFrames(t, testdata.Shared(t, "vectors", "vp8", "vp80-00-comprehensive-001.ivf"))[0]
	d := NewDecoder(DecoderOptions{MaxWidth: 256, MaxHeight: 256})
	defer d.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for _, side := range []int{16, 250, 256, 257, 4000, 16383} {
		data := append([]byte(nil), key...)
		data[6], data[7], data[8], data[9] = byte(side), byte(side>>8), byte(side), byte(side>>8)
		_, err := d.Decode(data)
		if tooLarge := side > 256; errors.Is(err, ErrTooLarge) != tooLarge {
			t.Errorf("side %d: error %v", side, err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 2<<20 {
		t.Errorf("%d bytes held", grown)
	}
}

// TestTruncation cuts frames at every length: all but the shortest cuts must be
// noticed, and always a picture comes out.
func TestTruncation(t *testing.T) {
	frames := readFrames(t, testdata.Shared(t, "vectors", "vp8", "vp80-00-comprehensive-004.ivf"))
	d := NewDecoder(DecoderOptions{})
	defer d.Close()
	for n := range len(frames[0]) {
		p, err := d.Decode(frames[0][:n])
		if n < 10 {
			if p != nil || err == nil {
				t.Fatalf("key frame cut at %d bytes: picture %v, error %v", n, p != nil, err)
			}
			continue
		}
		if p == nil {
			t.Fatalf("key frame cut at %d of %d bytes: no picture (%v)", n, len(frames[0]), err)
		}
		if n < len(frames[0])*9/10 && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("key frame cut at %d of %d bytes: error %v", n, len(frames[0]), err)
		}
	}
	if _, err := d.Decode(frames[0]); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(frames[1]); n++ {
		p, err := d.Decode(frames[1][:n])
		if p == nil || n < len(frames[1])/2 && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("inter frame cut at %d of %d bytes: picture %v, error %v", n, len(frames[1]), p != nil, err)
		}
	}
}

// TestConcealment cuts inter frames after the header: the rest of the picture
// must come from the last frame instead of turning grey.
func TestConcealment(t *testing.T) {
	frames := readFrames(t, testdata.Shared(t, "vectors", "vp8", "vp80-00-comprehensive-001.ivf"))
	d := NewDecoder(DecoderOptions{})
	defer d.Close()
	var last []byte
	for _, data := range frames[:10] {
		p, err := d.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		last = append(last[:0], p.Y...)
	}
	tag, err := parseFrameTag(frames[10])
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Decode(frames[10][:tag.compressedStart+tag.firstPartition/2])
	if !errors.Is(err, ErrCorrupt) || p == nil {
		t.Fatalf("picture %v, error %v", p != nil, err)
	}
	if d.Stats().ConcealedMacroblocks == 0 {
		t.Fatal("no macroblock was concealed")
	}
	bottom := (p.Height-16)*p.YStride + 32
	sum := 0
	for i := range 64 {
		sum += abs8(p.Y[bottom+i], last[bottom+i])
	}
	if sum > 64*4 {
		t.Errorf("bottom of the concealed picture differs from the last frame by %d on 64 samples", sum)
	}
}

func abs8(a, b byte) int { return max(int(a), int(b)) - min(int(a), int(b)) }

func TestEmptyFrameRepeats(t *testing.T) {
	frames := readFrames(t, testdata.Shared(t, "vectors", "vp8", "vp80-00-comprehensive-001.ivf"))
	d := NewDecoder(DecoderOptions{})
	defer d.Close()
	if p, err := d.Decode(nil); p != nil || !errors.Is(err, ErrNoKeyFrame) {
		t.Fatalf("empty frame first: picture %v, error %v", p != nil, err)
	}
	if p, err := d.Decode(frames[1]); p != nil || !errors.Is(err, ErrNoKeyFrame) {
		t.Fatalf("inter frame first: picture %v, error %v", p != nil, err)
	}
	sum := func(data []byte) string {
		p, err := d.Decode(data)
		if err != nil || p == nil {
			t.Fatalf("picture %v, error %v", p != nil, err)
		}
		h := md5.New()
		hashPicture(h, p)
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	want := sum(frames[0])
	if got := sum(nil); got != want {
		t.Error("empty frame changed the picture")
	}
	if i := d.Info(); !i.Empty || !i.Shown || i.Corrupt {
		t.Errorf("info %+v", i)
	}
	s := d.Stats()
	if s.Frames != 4 || s.KeyFrames != 1 || s.EmptyFrames != 2 || s.Rejected != 2 || s.CorruptFrames != 0 {
		t.Errorf("stats %+v", s)
	}
	d.Close()
	if _, err := d.Decode(frames[0]); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestNoAllocationPerFrame(t *testing.T) {
	for _, name := range []string{"00-comprehensive-001", "00-comprehensive-010", "04-partitions-1404"} {
		frames := readFrames(t, testdata.Shared(t, "vectors", "vp8", "vp80-"+name+".ivf"))
		for _, threads := range []int{1, 3} {
			d := NewDecoder(DecoderOptions{Threads: threads})
			decode := func() {
				for _, data := range frames {
					if _, err := d.Decode(data); err != nil {
						t.Fatal(err)
					}
				}
			}
			decode()
			if n := testing.AllocsPerRun(2, decode); n != 0 {
				t.Errorf("%s, %d threads: %v allocations in %d frames", filepath.Base(name), threads, n, len(frames))
			}
			d.Close()
		}
	}
}
