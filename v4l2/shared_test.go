//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// share lays a picture out in memory of its own, behind a descriptor.
func (f *fakeCoder) share(fd int, n byte, layout hal.SharedLayout) int {
	const height = 30
	data := make([]byte, layout.StrideBytes*height*3/2+100)
	u := data[layout.StrideBytes*height:]
	v := u[1:]
	if layout.Format == media.FormatI420 {
		v = u[layout.StrideBytes/2*(height/2):]
	}
	data[0], data[layout.StrideBytes], u[0], v[0] = n, n+1, n+2, n+3
	f.mu.Lock()
	f.memory[fd] = data
	f.mu.Unlock()
	return len(data)
}

// TestEncoderShared: pictures are read where they are, by descriptor, and let go of
// once each: soon after they were read, at a new start, and when the encoder closes.
func TestEncoderShared(t *testing.T) {
	for _, layout := range []hal.SharedLayout{{Format: media.FormatI420, StrideBytes: 64}, {Format: media.FormatNV12, StrideBytes: 40}} {
		t.Run(fmt.Sprint(layout), func(t *testing.T) {
			f := newFakeCoder()
			f.align, f.memory = 2, map[int][]byte{}
			delete(f.controls, controlForceKey)
			cfg := encoderConfig
			cfg.Shared = layout
			e, err := openEncoder(slog.New(slog.DiscardHandler), f, "/dev/video11", cfg)
			if err != nil {
				t.Fatal(err)
			}
			released := map[byte]int{}
			code := func(n byte, key bool) (media.EncodedVideo, error) {
				return e.EncodeShared(t.Context(), hal.SharedPicture{
					FD: 100 + int(n), Bytes: f.share(100+int(n), n, layout), CapturedAt: time.Unix(1000, int64(n)*1e6), Release: func() { released[n]++ },
				}, key)
			}
			for n := range byte(20) {
				v, err := code(n, n == 7)
				if err != nil {
					t.Fatal(err)
				}
				checkShot(t, v, n)
				if v.Key != (n == 0 || n == 7) || released[n] != 1 {
					t.Errorf("frame %d: key %v, let go %d times", n, v.Key, released[n])
				}
			}
			// What the device has is let go of when it starts anew, and at the end.
			f.mu.Lock()
			f.lookMore = 1
			f.mu.Unlock()
			for n := byte(20); n < 23; n++ {
				if _, err := code(n, n == 22); err != nil {
					t.Fatal(err)
				}
			}
			if released[21] != 1 || released[22] != 0 {
				t.Errorf("let go %v", released)
			}
			// Refused pictures are let go of, too.
			if _, err := e.EncodeShared(t.Context(), hal.SharedPicture{FD: 1, Bytes: 10, Release: func() { released[30]++ }}, false); hal.KindOf(err) != hal.Unsupported || released[30] != 1 {
				t.Errorf("a small buffer: %v, let go %d times", err, released[30])
			}
			if _, err := e.EncodeShared(t.Context(), hal.SharedPicture{FD: 1, Bytes: 1 << 20, Release: func() { released[31]++ }}, false); err == nil || released[31] != 1 {
				t.Errorf("no such descriptor: %v, let go %d times", err, released[31])
			}
			if _, err := e.Encode(t.Context(), shot(1), false); hal.KindOf(err) != hal.Unsupported {
				t.Errorf("a picture in memory: %v", err)
			}
			if err := e.Close(); err != nil || f.mapped != 0 {
				t.Errorf("%v, %d mapped", err, f.mapped)
			}
			for n, count := range released {
				if count != 1 {
					t.Errorf("picture %d let go of %d times", n, count)
				}
			}
			if len(released) != 25 {
				t.Errorf("%d pictures let go of", len(released))
			}
		})
	}
}

// TestEncoderSharedRefused: an encoder that wants another layout says so, and one for
// pictures in memory takes no descriptors.
func TestEncoderSharedRefused(t *testing.T) {
	for name, change := range map[string]func(f *fakeCoder, c *hal.EncoderConfig){
		"stride": func(f *fakeCoder, _ *hal.EncoderConfig) { f.noShared = true },
		"height": func(f *fakeCoder, _ *hal.EncoderConfig) { f.align = 16 },
		"format": func(_ *fakeCoder, c *hal.EncoderConfig) { c.Shared.Format = media.FormatYUYV },
		"not it": func(f *fakeCoder, _ *hal.EncoderConfig) { f.raws = []string{"NV12"} },
	} {
		f, cfg := newFakeCoder(), encoderConfig
		f.align, cfg.Shared = 2, hal.SharedLayout{Format: media.FormatI420, StrideBytes: 64}
		change(f, &cfg)
		if _, err := openEncoder(slog.New(slog.DiscardHandler), f, "/dev/video11", cfg); hal.KindOf(err) != hal.Unsupported || f.mapped != 0 {
			t.Errorf("%s: %v, %d mapped", name, err, f.mapped)
		}
	}
	e, count := newEncoder(t, newFakeCoder()), 0
	if _, err := e.EncodeShared(t.Context(), hal.SharedPicture{FD: 1, Bytes: 1 << 20, Release: func() { count++ }}, false); hal.KindOf(err) != hal.Unsupported || count != 1 {
		t.Errorf("%v, let go %d times", err, count)
	}
}

// TestBayerOrders: the kernel's code of each order and packing becomes the format of
// that order in memory, with rows as long as it says.
func TestBayerOrders(t *testing.T) {
	for _, c := range []struct {
		code   string
		format media.PixelFormat
		row    int // bytes of 64 samples
	}{
		{"RGGB", media.FormatRGGB8, 64},
		{"GRBG", media.FormatGRBG8, 64},
		{"GBRG", media.FormatGBRG8, 64},
		{"BA81", media.FormatBGGR8, 64},
		{"RG10", media.FormatRGGB10, 128},
		{"BA10", media.FormatGRBG10, 128},
		{"GB10", media.FormatGBRG10, 128},
		{"BG10", media.FormatBGGR10, 128},
		{"pRAA", media.FormatRGGB10P, 80},
		{"pgAA", media.FormatGRBG10P, 80},
		{"pGAA", media.FormatGBRG10P, 80},
		{"pBAA", media.FormatBGGR10P, 80},
	} {
		node := newFake(fakeFormat{code: c.code, sizes: discrete(64, 48), intervals: hz(30)})
		node.bufferBytes = c.row * 48
		cam := open(t, node, hal.VideoMode{})
		node.frame(nil)
		f, err := cam.Read(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", c.code, err)
		}
		if f.Format != c.format || !f.Format.Raw() || f.StrideBytes != c.row || len(f.Data) != c.row*48 || f.Corrupt {
			t.Errorf("%s: %v, rows of %d bytes, %d in all, corrupt %v", c.code, f.Format, f.StrideBytes, len(f.Data), f.Corrupt)
		}
		f.Release()
	}
}
