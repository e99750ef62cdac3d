package media_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

func TestFrameSize(t *testing.T) {
	for _, c := range []struct {
		format     media.PixelFormat
		w, h, want int
	}{
		{media.FormatI420, 640, 480, 460800},
		{media.FormatNV12, 640, 480, 460800},
		{media.FormatYV12, 3, 3, 9 + 2*4},
		{media.FormatNV21, 1, 1, 3},
		{media.FormatYUYV, 640, 480, 614400},
		{media.FormatUYVY, 3, 2, 16},
		{media.FormatGrey, 7, 5, 35},
		{media.FormatNV16, 3, 3, 9 + 4*3},
		{media.FormatYUV422P, 4, 2, 16},
		{media.FormatVYUY, 3, 2, 16},
		{media.FormatY12, 7, 5, 70},
		{media.FormatBGR24, 7, 5, 105},
		{media.FormatXRGB32, 7, 5, 140},
		{media.FormatRGB565, 7, 5, 70},
		{media.FormatMJPEG, 640, 480, 0},
		{media.FormatVP8, 640, 480, 0},
		{media.FormatGRBG8, 640, 480, 307200},
		{media.FormatBGGR10, 640, 480, 614400},
		{media.FormatRGGB10P, 640, 480, 384000},
		{media.FormatGBRG10P, 6, 2, 20},
		{media.FormatUnknown, 640, 480, 0},
		{media.PixelFormat(200), 640, 480, 0},
	} {
		if got := c.format.FrameSize(c.w, c.h); got != c.want {
			t.Errorf("%v %dx%d: %d bytes, want %d", c.format, c.w, c.h, got, c.want)
		}
	}
}

func TestPixelFormatNames(t *testing.T) {
	for f := media.FormatI420; f <= media.FormatRGB565; f++ {
		if got, err := media.ParsePixelFormat(f.String()); err != nil || got != f {
			t.Errorf("%v parses as %v, %v", f, got, err)
		}
		if want := f == media.FormatMJPEG || f == media.FormatVP8; f.Compressed() != want {
			t.Errorf("%v: Compressed is %v", f, f.Compressed())
		}
	}
	for _, name := range []string{"", "unknown", "i420", "RGB3"} {
		if f, err := media.ParsePixelFormat(name); err == nil {
			t.Errorf("%q parses as %v", name, f)
		}
	}
	if got := media.PixelFormat(99).String(); got != "PixelFormat(99)" {
		t.Errorf("an unknown format is called %q", got)
	}
}

func TestPictureLayout(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {2, 2}, {15, 17}, {64, 64}, {65, 33}, {640, 480}, {1279, 719}, {media.MaxPictureSide, 1}} {
		p := media.NewPicture(size[0], size[1])
		cw, ch := p.ChromaSize()
		if cw != (size[0]+1)/2 || ch != (size[1]+1)/2 {
			t.Errorf("%v: chroma %dx%d", size, cw, ch)
		}
		// Whole macroblocks fit, in every plane.
		mbw, mbh := (size[0]+15)/16, (size[1]+15)/16
		if p.YStride < 16*mbw || p.UVStride < 8*mbw || len(p.Y) < p.YStride*16*mbh || len(p.U) < p.UVStride*8*mbh || len(p.V) < p.UVStride*8*mbh {
			t.Errorf("%v: strides %d, %d, planes %d, %d, %d", size, p.YStride, p.UVStride, len(p.Y), len(p.U), len(p.V))
		}
		// Planes do not overlap, and appending to one does not reach the next.
		fill(p.Y, 1)
		fill(p.U, 2)
		fill(p.V, 3)
		_ = append(p.Y, 9)
		_ = append(p.U, 9)
		if p.Y[len(p.Y)-1] != 1 || p.U[0] != 2 || p.U[len(p.U)-1] != 2 || p.V[0] != 3 {
			t.Errorf("%v: planes overlap", size)
		}
	}
	for _, size := range [][2]int{{0, 1}, {1, 0}, {-1, 5}, {media.MaxPictureSide + 1, 1}} {
		mustPanic(t, "a picture of impossible size", func() { media.NewPicture(size[0], size[1]) })
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

func TestCopyFrom(t *testing.T) {
	src, dst := media.NewPicture(35, 21), media.NewPicture(35, 21)
	for i := range src.Y {
		src.Y[i] = byte(i * 7)
	}
	for i := range src.U {
		src.U[i], src.V[i] = byte(i*5), byte(i*3)
	}
	fill(dst.Y, 200)
	src.CapturedAt, src.Sequence = time.Unix(7, 0), 9
	dst.CopyFrom(src)
	for y := range 21 {
		for x := range 35 {
			if dst.Y[y*dst.YStride+x] != src.Y[y*src.YStride+x] {
				t.Fatalf("luma differs at %d,%d", x, y)
			}
			if i := y/2*dst.UVStride + x/2; dst.U[i] != src.U[i] || dst.V[i] != src.V[i] {
				t.Fatalf("chroma differs at %d,%d", x/2, y/2)
			}
		}
	}
	if dst.Y[35] != 200 {
		t.Error("the padding was copied")
	}
	if !dst.CapturedAt.Equal(src.CapturedAt) || dst.Sequence != 9 {
		t.Error("the times were not copied")
	}
}

func TestPoolReusesAndBounds(t *testing.T) {
	var pool media.PicturePool
	a := pool.Get(64, 48)
	a.Retain()
	a.Release()
	if b := pool.Get(64, 48); b == a {
		t.Fatal("a picture that is held was handed out")
	}
	a.Release()
	if b := pool.Get(64, 48); b != a {
		t.Error("a released picture is not used again")
	}
	// A resize drops the old size, also what comes back later.
	c := pool.Get(32, 32)
	a.Release()
	c.Release()
	if d := pool.Get(32, 32); d != c || d.Width != 32 {
		t.Error("after a resize the pool hands out the old size")
	}
	if n := testing.AllocsPerRun(100, func() { pool.Get(32, 32).Release() }); n != 0 {
		t.Errorf("%v allocations per picture", n)
	}
}

func TestReleasedTooOften(t *testing.T) {
	p := media.NewPicture(16, 16)
	p.Release()
	mustPanic(t, "a picture's second release", p.Release)
	var f media.Frame
	f.InitFrame(nil)
	f.Release()
	mustPanic(t, "a frame's second release", f.Release)
}

func mustPanic(t *testing.T, what string, call func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s does not panic", what)
		}
	}()
	call()
}

// TestReferencesFromManyGoroutines: the release runs once, after the last
// owner, whoever that is; the race detector watches the content.
func TestReferencesFromManyGoroutines(t *testing.T) {
	const owners = 8
	var returned atomic.Int32
	f := &media.Frame{Data: make([]byte, 16)}
	release := func(f *media.Frame) {
		f.Data[0]++ // not a race: every owner is done
		returned.Add(1)
	}
	for round := range 200 {
		f.InitFrame(release)
		var wg sync.WaitGroup
		for range owners {
			f.Retain()
			wg.Go(func() {
				_ = f.Data[0]
				f.Release()
			})
		}
		f.Release()
		wg.Wait()
		if got := returned.Load(); got != int32(round+1) {
			t.Fatalf("round %d: released %d times", round, got)
		}
	}
}

func TestPoolFromManyGoroutines(t *testing.T) {
	var pool media.PicturePool
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				p := pool.Get(16+16*(i%2), 16)
				p.Y[0] = byte(g)
				p.Retain()
				p.Release()
				if p.Y[0] != byte(g) {
					t.Errorf("a picture has two owners")
				}
				p.Release()
			}
		})
	}
	wg.Wait()
}
