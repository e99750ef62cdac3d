//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// webcam is what a common USB camera offers: YUYV at full rate only when
// small, MJPEG at full rate always.
func webcam() *fakeNode {
	return newFake(
		fakeFormat{code: "MJPG", sizes: discrete(640, 480, 1280, 720, 1920, 1080), intervals: hz(30, 15)},
		fakeFormat{code: "YUYV", sizes: discrete(640, 480, 1280, 720, 1920, 1080), rate: func(w, _ uint32) []uint32 {
			switch w {
			case 640:
				return []uint32{30, 15}
			case 1280:
				return []uint32{10, 5}
			}
			return []uint32{5}
		}},
	)
}

func stepwise(lo, hi, step uint32) []uapi.FrameSize {
	return []uapi.FrameSize{{MinWidth: lo, MaxWidth: hi, StepWidth: step, MinHeight: lo, MaxHeight: hi, StepHeight: step}}
}

func TestNegotiate(t *testing.T) {
	thirty := time.Second / 30
	cases := []struct {
		name string
		node *fakeNode
		want hal.VideoMode
		is   hal.VideoMode
	}{
		{"driver chooses", webcam(), hal.VideoMode{}, hal.VideoMode{Format: media.FormatYUYV, Width: 640, Height: 480, FrameInterval: thirty}},
		{"uncompressed where the rate is kept", webcam(), hal.VideoMode{Width: 640, Height: 480, FrameInterval: thirty}, hal.VideoMode{Format: media.FormatYUYV, Width: 640, Height: 480, FrameInterval: thirty}},
		{"MJPEG where it is not", webcam(), hal.VideoMode{Width: 1280, Height: 720, FrameInterval: thirty}, hal.VideoMode{Format: media.FormatMJPEG, Width: 1280, Height: 720, FrameInterval: thirty}},
		{"low rate lets uncompressed do", webcam(), hal.VideoMode{Width: 1280, Height: 720, FrameInterval: time.Second / 10}, hal.VideoMode{Format: media.FormatYUYV, Width: 1280, Height: 720, FrameInterval: time.Second / 10}},
		{"wanted format", webcam(), hal.VideoMode{Format: media.FormatYUYV, Width: 1280, Height: 720, FrameInterval: thirty}, hal.VideoMode{Format: media.FormatYUYV, Width: 1280, Height: 720, FrameInterval: time.Second / 10}},
		{"nearest size", webcam(), hal.VideoMode{Width: 1300, Height: 700, FrameInterval: thirty}, hal.VideoMode{Format: media.FormatMJPEG, Width: 1280, Height: 720, FrameInterval: thirty}},
		{"format that is not there", webcam(), hal.VideoMode{Format: media.FormatNV12, Width: 640, Height: 480}, hal.VideoMode{Format: media.FormatYUYV, Width: 640, Height: 480, FrameInterval: thirty}},
		{"height alone", webcam(), hal.VideoMode{Height: 480}, hal.VideoMode{Format: media.FormatYUYV, Width: 640, Height: 480, FrameInterval: thirty}},
		{
			"step sizes", newFake(fakeFormat{code: "NV12", sizes: stepwise(32, 1920, 16), intervals: hz(30)}),
			hal.VideoMode{Width: 645, Height: 481},
			hal.VideoMode{Format: media.FormatNV12, Width: 640, Height: 480, FrameInterval: thirty},
		},
		{
			"step of zero", newFake(fakeFormat{code: "NV12", sizes: stepwise(32, 1920, 0), intervals: hz(30)}),
			hal.VideoMode{Width: 645, Height: 481},
			hal.VideoMode{Format: media.FormatNV12, Width: 645, Height: 481, FrameInterval: thirty},
		},
		{
			"range of intervals", newFake(fakeFormat{code: "YU12", sizes: discrete(640, 480), intervals: []uapi.FrameInterval{{
				Min: uapi.Fract{Numerator: 1, Denominator: 60}, Max: uapi.Fract{Numerator: 1, Denominator: 1},
			}}}),
			hal.VideoMode{FrameInterval: time.Second / 24},
			hal.VideoMode{Format: media.FormatI420, Width: 640, Height: 480, FrameInterval: time.Second / 24},
		},
		{
			"zero intervals", newFake(fakeFormat{code: "YUYV", sizes: discrete(640, 480), intervals: []uapi.FrameInterval{{}}}),
			hal.VideoMode{FrameInterval: time.Second / 15},
			hal.VideoMode{Format: media.FormatYUYV, Width: 640, Height: 480, FrameInterval: time.Second / 15},
		},
		{
			"no sizes listed", newFake(fakeFormat{code: "YUYV"}),
			hal.VideoMode{Width: 320, Height: 240},
			hal.VideoMode{Format: media.FormatYUYV, Width: 320, Height: 240, FrameInterval: thirty},
		},
		{
			"grey only as a last resort", newFake(
				fakeFormat{code: "GREY", sizes: discrete(640, 480), intervals: hz(30)},
				fakeFormat{code: "MJPG", sizes: discrete(640, 480), intervals: hz(30)}),
			hal.VideoMode{},
			hal.VideoMode{Format: media.FormatMJPEG, Width: 640, Height: 480, FrameInterval: thirty},
		},
		{
			"NTSC rate counts as 30", newFake(
				fakeFormat{code: "YUYV", sizes: discrete(640, 480), intervals: []uapi.FrameInterval{{
					Min: uapi.Fract{Numerator: 1001, Denominator: 30000}, Max: uapi.Fract{Numerator: 1001, Denominator: 30000},
				}}},
				fakeFormat{code: "MJPG", sizes: discrete(640, 480), intervals: hz(60)}),
			hal.VideoMode{FrameInterval: thirty},
			hal.VideoMode{Format: media.FormatYUYV, Width: 640, Height: 480, FrameInterval: 1001 * time.Second / 30000},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cam := open(t, c.node, c.want)
			got := cam.Mode()
			diff := (got.FrameInterval - c.is.FrameInterval).Abs()
			got.FrameInterval, c.is.FrameInterval = 0, 0
			if got != c.is || diff > 5*time.Microsecond {
				t.Errorf("negotiated %+v (interval off by %v), want %+v", got, diff, c.is)
			}
		})
	}
}

func TestUnsupportedFormatsAreNotOpened(t *testing.T) {
	node := newFake(fakeFormat{code: "RG12", sizes: discrete(640, 480)}, fakeFormat{code: "RGB3", sizes: discrete(640, 480)})
	_, err := testDriver(node).OpenCamera(t.Context(), "/dev/video0", hal.VideoMode{})
	wantKind(t, err, hal.Unsupported)
	if !node.closed {
		t.Error("the node stayed open")
	}
}

// Drivers that list what they cannot do are known: the list's first entry is
// refused when streaming starts, or S_FMT answers with something else.
func TestFormatListThatLies(t *testing.T) {
	two := []fakeFormat{
		{code: "YU12", sizes: discrete(640, 480), intervals: hz(30)},
		{code: "YUYV", sizes: discrete(640, 480), intervals: hz(30)},
	}
	t.Run("stream on refused", func(t *testing.T) {
		node := newFake(two...)
		node.failStreamOn = map[string]error{"YU12": errEINVAL}
		if m := open(t, node, hal.VideoMode{}).Mode(); m.Format != media.FormatYUYV {
			t.Errorf("format %v, want the second in line, YUYV", m.Format)
		}
	})
	t.Run("other size given", func(t *testing.T) {
		node := newFake(two...)
		node.answer = func(p uapi.PixFormat) uapi.PixFormat { p.Width, p.Height = 352, 288; return p }
		if m := open(t, node, hal.VideoMode{}).Mode(); m.Width != 352 || m.Height != 288 {
			t.Errorf("mode %+v does not say what the driver gave", m)
		}
	})
	t.Run("unusable format given", func(t *testing.T) {
		node := newFake(two...)
		node.answer = func(p uapi.PixFormat) uapi.PixFormat { p.PixelFormat = fourcc("RG12"); return p }
		_, err := testDriver(node).OpenCamera(t.Context(), "/dev/video0", hal.VideoMode{})
		wantKind(t, err, hal.Unsupported)
	})
	t.Run("absurd size given", func(t *testing.T) {
		node := newFake(two...)
		node.answer = func(p uapi.PixFormat) uapi.PixFormat { p.Width = 1 << 31; return p }
		_, err := testDriver(node).OpenCamera(t.Context(), "/dev/video0", hal.VideoMode{})
		wantKind(t, err, hal.Unsupported)
	})
	t.Run("endless list", func(t *testing.T) {
		node := newFake(two...)
		node.endlessSizes = true
		open(t, node, hal.VideoMode{})
	})
	t.Run("buffers too small", func(t *testing.T) {
		node := newFake(two...)
		node.bufferBytes = 640 * 480
		_, err := testDriver(node).OpenCamera(t.Context(), "/dev/video0", hal.VideoMode{})
		wantKind(t, err, hal.Unsupported)
		if node.mapped != 0 || node.owned {
			t.Errorf("%d buffers left mapped, owned %v", node.mapped, node.owned)
		}
	})
}

func TestFraction(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want uapi.Fract
	}{
		{time.Second / 30, uapi.Fract{Numerator: 1, Denominator: 30}},
		{time.Second / 25, uapi.Fract{Numerator: 1, Denominator: 25}},
		{2 * time.Second / 25, uapi.Fract{Numerator: 2, Denominator: 25}},
		{1001 * time.Second / 30000, uapi.Fract{Numerator: 1001, Denominator: 30000}},
		{0, uapi.Fract{}},
	} {
		if got := fraction(c.d); got != c.want {
			t.Errorf("fraction(%v) = %v, want %v", c.d, got, c.want)
		}
	}
}

func FuzzSnap(f *testing.F) {
	f.Add(640, uint32(32), uint32(1920), uint32(16))
	f.Fuzz(func(t *testing.T, want int, lo, hi, step uint32) {
		lo, hi, step = lo%16384+1, hi%16384+1, step%4096+1
		if lo > hi {
			lo, hi = hi, lo
		}
		got := snap(want%100000, lo, hi, step)
		if got < int(lo) || got > int(hi) || (got-int(lo))%int(step) != 0 {
			t.Fatalf("snap(%d, %d, %d, %d) = %d", want, lo, hi, step, got)
		}
	})
}
