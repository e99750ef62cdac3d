//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

var encoderConfig = hal.EncoderConfig{Codec: "H264", Width: 40, Height: 30, FrameInterval: 10 * time.Millisecond, BitrateBps: 300_000, KeyInterval: 600}

func newEncoder(t *testing.T, f *fakeCoder) *Encoder {
	t.Helper()
	e, err := openEncoder(slog.New(slog.DiscardHandler), f, "/dev/video11", encoderConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if f.mapped != 0 || !f.closed {
			t.Errorf("%d buffers are still mapped, closed %v", f.mapped, f.closed)
		}
	})
	return e
}

// shot is a picture whose samples tell n.
func shot(n byte) *media.Picture {
	p := media.NewPicture(40, 30)
	p.Y[0], p.Y[p.YStride], p.U[0], p.V[0] = n, n+1, n+2, n+3
	p.CapturedAt = time.Unix(1000, int64(n)*1e6)
	return p
}

func encode(t *testing.T, e *Encoder, n byte, key bool) media.EncodedVideo {
	t.Helper()
	v, err := e.Encode(t.Context(), shot(n), key)
	if err != nil {
		t.Fatalf("picture %d: %v", n, err)
	}
	return v
}

func checkShot(t *testing.T, v media.EncodedVideo, n byte) {
	t.Helper()
	if len(v.Data) != 8 || [4]byte(v.Data[4:]) != [4]byte{n, n + 1, n + 2, n + 3} || !v.CapturedAt.Equal(time.Unix(1000, int64(n)*1e6)) || v.Width != 40 || v.Height != 30 {
		t.Errorf("frame %v of %v, want picture %d", v.Data, v.CapturedAt, n)
	}
}

func TestEncoder(t *testing.T) {
	for _, raw := range []string{"YU12", "NV12"} {
		f := newFakeCoder()
		f.raws = []string{raw}
		e := newEncoder(t, f)
		if f.visible != [2]int{40, 30} || f.format[rawSide].width != 48 || f.interval != (uapi.Fract{Numerator: 1, Denominator: 100}) {
			t.Errorf("visible %v of %+v at %v", f.visible, f.format[rawSide], f.interval)
		}
		if f.values[controlBitrate] != 300_000 || f.values[controlKeyInterval] != 600 {
			t.Errorf("controls %v", f.values)
		}
		for n := range byte(20) {
			v := encode(t, e, n, n == 7)
			checkShot(t, v, n)
			if v.Key != (n == 0 || n == 7) {
				t.Errorf("frame %d: key %v", n, v.Key)
			}
		}
		if err := e.SetBitrate(100_000); err != nil || f.values[controlBitrate] != 100_000 {
			t.Errorf("bit rate %d: %v", f.values[controlBitrate], err)
		}
		p := shot(1)
		if got := testing.AllocsPerRun(50, func() {
			if _, err := e.copyTest(p); err != nil {
				t.Fatal(err)
			}
		}); got != 0 {
			t.Errorf("%v allocations per picture", got)
		}
	}
}

// copyTest is the part of Encode that belongs to this package: the fake allocates.
func (e *Encoder) copyTest(p *media.Picture) (int, error) {
	return e.copyIn(e.rawMaps[0], p), nil
}

// TestEncoderWithoutKeyControl: it is started anew where a key frame is wanted.
func TestEncoderWithoutKeyControl(t *testing.T) {
	f := newFakeCoder()
	delete(f.controls, controlForceKey)
	delete(f.controls, controlBitrate)
	e := newEncoder(t, f)
	for n := range byte(9) {
		v := encode(t, e, n, n == 4)
		checkShot(t, v, n)
		if v.Key != (n == 0 || n == 4) {
			t.Errorf("frame %d: key %v", n, v.Key)
		}
	}
	if f.restarts != 2 {
		t.Errorf("%d queues stopped, want both once", f.restarts)
	}
	if err := e.SetBitrate(1); hal.KindOf(err) != hal.Unsupported {
		t.Errorf("bit rate: %v", err)
	}
}

// TestEncoderHoldsBack: frames come one picture late, and the last by Drain.
func TestEncoderHoldsBack(t *testing.T) {
	f := newFakeCoder()
	f.lookMore = 1
	e := newEncoder(t, f)
	for round := range byte(2) {
		begin := time.Now()
		if v := encode(t, e, 10*round, false); len(v.Data) != 0 {
			t.Fatalf("round %d: frame %v at once", round, v.Data)
		}
		if took := time.Since(begin); took > codingPatience*3/4 {
			t.Errorf("round %d: a picture that is held back took %v", round, took)
		}
		for n := byte(1); n < 6; n++ {
			checkShot(t, encode(t, e, 10*round+n, false), 10*round+n-1)
		}
		var got []uint32
		if err := e.Drain(t.Context(), func(v media.EncodedVideo) {
			got = append(got, binary.BigEndian.Uint32(v.Data))
			checkShot(t, v, 10*round+5)
		}); err != nil || len(got) != 1 {
			t.Errorf("round %d: drained %v, %v", round, got, err)
		}
	}
}

func TestEncoderFailures(t *testing.T) {
	f := newFakeCoder()
	f.damage = 3
	e := newEncoder(t, f)
	encode(t, e, 0, false)
	encode(t, e, 1, false)
	if _, err := e.Encode(t.Context(), shot(2), false); hal.KindOf(err) != hal.Overrun {
		t.Errorf("damaged frame: %v", err)
	}
	checkShot(t, encode(t, e, 3, true), 3)
	if _, err := e.Encode(t.Context(), media.NewPicture(42, 30), false); hal.KindOf(err) != hal.Unsupported {
		t.Errorf("another size: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Encode(ctx, shot(4), false); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	f.mu.Lock()
	f.mute = true
	f.mu.Unlock()
	if v := encode(t, e, 5, false); len(v.Data) != 0 { // it might look ahead
		t.Errorf("frame %v of a mute encoder", v.Data)
	}
	if _, err := e.Encode(t.Context(), shot(6), false); hal.KindOf(err) != hal.Timeout {
		t.Errorf("mute encoder: %v", err)
	}
	f.mu.Lock()
	f.dead = syscall.ENODEV
	f.mu.Unlock()
	if _, err := e.Encode(t.Context(), shot(7), false); hal.KindOf(err) != hal.Gone {
		t.Errorf("encoder that is gone: %v", err)
	}
}

// TestEncoderClose: a call that waits gives way.
func TestEncoderClose(t *testing.T) {
	f := newFakeCoder()
	f.mute = true
	e := newEncoder(t, f)
	encode(t, e, 0, false)
	got := make(chan error, 1)
	go func() { _, err := e.Encode(context.Background(), shot(1), false); got <- err }()
	time.Sleep(20 * time.Millisecond)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, hal.ErrClosed) {
		t.Errorf("Encode = %v", err)
	}
	if _, err := e.Encode(t.Context(), shot(2), false); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestEncoderRefused(t *testing.T) {
	for name, change := range map[string]func(f *fakeCoder, c *hal.EncoderConfig){
		"codec":      func(f *fakeCoder, _ *hal.EncoderConfig) { f.coded = []string{"MPG4"} },
		"name":       func(_ *fakeCoder, c *hal.EncoderConfig) { c.Codec = "MPEG-2" },
		"raw format": func(f *fakeCoder, _ *hal.EncoderConfig) { f.raws = []string{"RGB3"} },
		"size":       func(_ *fakeCoder, c *hal.EncoderConfig) { c.Width = 1 << 20 },
		"rate":       func(_ *fakeCoder, c *hal.EncoderConfig) { c.BitrateBps = -1 },
	} {
		f, cfg := newFakeCoder(), encoderConfig
		change(f, &cfg)
		if _, err := openEncoder(slog.New(slog.DiscardHandler), f, "/dev/video11", cfg); hal.KindOf(err) != hal.Unsupported || f.mapped != 0 {
			t.Errorf("%s: %v, %d mapped", name, err, f.mapped)
		}
	}
}

// TestInspectEncoder tells encoders from decoders, scalers and cameras.
func TestInspectEncoder(t *testing.T) {
	for _, c := range []struct {
		name       string
		raw, coded []string
		caps       uint32
		want       int
	}{
		{"encoder", []string{"YUYV", "NV12"}, []string{"H264", "MJPG", "VP80"}, uapi.CapVideoMem2MemMPlane, 2},
		{"single-planar", []string{"YU12"}, []string{"FWHT"}, uapi.CapVideoMem2Mem, 1},
		{"decoder", []string{"H264"}, []string{"YU12", "NV12"}, uapi.CapVideoMem2MemMPlane, 0},
		{"scaler", []string{"YU12"}, []string{"YU12"}, uapi.CapVideoMem2MemMPlane, 0},
		{"camera", nil, []string{"H264"}, uapi.CapVideoCapture, 0},
	} {
		f := newFakeCoder()
		f.raws, f.coded, f.caps = c.raw, c.coded, c.caps
		info, ok := inspectEncoder(f)
		if ok != (c.want > 0) || ok && len(info.Codecs) != c.want {
			t.Errorf("%s: %+v, %v", c.name, info, ok)
		}
	}
}

// TestEncoderOddSizes: pictures of every size are either refused or copied
// without a step beyond the device's buffers.
func TestEncoderOddSizes(t *testing.T) {
	refused := 0
	for _, raw := range []string{"YU12", "NV12"} {
		for _, align := range []int{1, 2, 16} {
			for side := 16; side < 36; side++ {
				f := newFakeCoder()
				f.raws, f.align, f.tight = []string{raw}, align, true
				cfg := encoderConfig
				cfg.Width, cfg.Height = side, 52-side/2
				e, err := openEncoder(slog.New(slog.DiscardHandler), f, "/dev/video11", cfg)
				if err != nil {
					if align > 1 || hal.KindOf(err) != hal.Unsupported {
						t.Errorf("%s %dx%d: %v", raw, cfg.Width, cfg.Height, err)
					}
					refused++
					continue
				}
				e.copyIn(e.rawMaps[0], media.NewPicture(cfg.Width, cfg.Height))
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if refused == 0 {
		t.Error("odd rows are taken for even ones")
	}
}

// TestEncoderOddRows: where the halves of colour begin is not known of a picture
// with an odd number of rows.
func TestEncoderOddRows(t *testing.T) {
	f := newFakeCoder()
	f.align = 45
	if _, err := openEncoder(slog.New(slog.DiscardHandler), f, "/dev/video11", encoderConfig); hal.KindOf(err) != hal.Unsupported {
		t.Errorf("%d rows: %v", f.format[rawSide].height, err)
	}
}
