package engine

import (
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/hal"
)

// TestPicturePathAllocatesNothing runs frames in every uncompressed format
// through conversion, mailbox and encoder, as the engine does.
func TestPicturePathAllocatesNothing(t *testing.T) {
	const width, height = 320, 240
	for _, format := range []media.PixelFormat{
		media.FormatYUYV, media.FormatUYVY, media.FormatNV12, media.FormatNV21, media.FormatI420, media.FormatYV12, media.FormatGrey,
		media.FormatVYUY, media.FormatNV16, media.FormatYUV422P, media.FormatY12, media.FormatBGR24, media.FormatXRGB32, media.FormatRGB565,
	} {
		t.Run(format.String(), func(t *testing.T) {
			frame := &media.Frame{
				Format: format, Width: width, Height: height,
				Data: make([]byte, format.FrameSize(width, height)),
			}
			var pool media.PicturePool
			conv := converter{pool: &pool, mode: hal.VideoMode{Format: format, Width: width, Height: height}}
			defer conv.close()
			box := mailbox{ready: make(chan struct{}, 1)}
			defer box.clear()
			enc, err := vp8.NewEncoder(vp8.EncoderConfig{Width: width, Height: height, FrameRate: 30, BitrateBps: 300_000, Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer enc.Close()
			n := 0
			step := func() {
				for i := range frame.Data[:4096] { // something moves
					frame.Data[i] = byte(i*7 + n*13)
				}
				n++
				frame.InitFrame(nil)
				frame.CapturedAt, frame.Sequence = time.Now(), uint32(n)
				p, err := conv.picture(frame)
				frame.Release()
				if err != nil {
					t.Fatal(err)
				}
				box.put(p, 30)
				<-box.ready
				p, _, _ = box.take()
				if _, err := enc.Encode(p, vp8.FrameOptions{ForceKey: n%7 == 0}); err != nil {
					t.Fatal(err)
				}
				p.Release()
			}
			for range 10 { // warm up
				step()
			}
			if got := testing.AllocsPerRun(40, step); got != 0 {
				t.Errorf("%v allocations per frame, want 0", got)
			}
		})
	}
}
