package guest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/pixel"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/v4l2"
)

// Controls of vivid that inject failures (vivid-ctrls.c).
const (
	vividBase       = 0x00f00000 | 0xf000
	vividStampAt    = vividBase + 24 // 1: stamps are of the start of exposure, in the past
	vividDequeueErr = vividBase + 66 // the next buffer is flagged as damaged
	vividStartErr   = vividBase + 69 // the next start of streaming fails
	vividQueueErr   = vividBase + 70 // the queue breaks down
)

const camera = "/dev/video0"

var smallMode = hal.VideoMode{Width: 320, Height: 180, FrameInterval: time.Second / 30}

func openCamera(t *testing.T, want hal.VideoMode) *v4l2.Camera {
	t.Helper()
	cam, err := v4l2.New(logger(t)).OpenCamera(t.Context(), camera, want)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cam.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return cam.(*v4l2.Camera)
}

func read(t *testing.T, cam hal.Camera) *media.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	f, err := cam.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCameraList(t *testing.T) {
	list, err := v4l2.New(logger(t)).Cameras(t.Context())
	if err != nil || len(list) != 3 {
		t.Fatalf("cameras %+v, %v; want vivid's three", list, err)
	}
	c := list[0]
	if c.Path != camera || c.ID != camera || c.Driver != "vivid" || c.Problem != "" {
		t.Errorf("camera %+v", c)
	}
	formats := map[media.PixelFormat]int{}
	for _, m := range c.Modes {
		formats[m.Format]++
	}
	for _, f := range []media.PixelFormat{
		media.FormatI420, media.FormatYV12, media.FormatNV12, media.FormatNV21,
		media.FormatYUYV, media.FormatUYVY, media.FormatGrey,
	} {
		if formats[f] < 6 {
			t.Errorf("%d modes of %v", formats[f], f)
		}
	}
	want := hal.VideoMode{Format: media.FormatYUYV, Width: 640, Height: 480, FrameInterval: time.Second / 25}
	if !slices.Contains(c.Modes, want) {
		t.Errorf("modes lack %+v", want)
	}
	t.Logf("%d modes, %v", len(c.Modes), formats)
}

// TestCameraFormats looks at vivid's colour bars in every format that edgecam
// reads: a wrong order of planes or colours, stride or offset shows as a wrong
// colour.
func TestCameraFormats(t *testing.T) {
	// 75 % bars, from left: white, yellow, cyan, green, magenta, red, blue, black.
	want := [8][3]int{{180, 128, 128}, {162, 44, 142}, {131, 156, 44}, {112, 72, 58}, {84, 184, 198}, {65, 100, 212}, {35, 212, 114}, {16, 128, 128}}
	for _, format := range []media.PixelFormat{
		media.FormatYUYV, media.FormatUYVY, media.FormatYVYU, media.FormatVYUY, media.FormatNV12, media.FormatNV21,
		media.FormatNV16, media.FormatNV61, media.FormatI420, media.FormatYV12, media.FormatYUV422P,
		media.FormatGrey, media.FormatY10, media.FormatY12, media.FormatY16,
		media.FormatRGB24, media.FormatBGR24, media.FormatRGBX32, media.FormatBGRX32, media.FormatXRGB32, media.FormatXBGR32, media.FormatRGB565,
	} {
		t.Run(format.String(), func(t *testing.T) {
			mode := smallMode
			mode.Format = format
			cam := openCamera(t, mode)
			if m := cam.Mode(); m.Format != format || m.Width != 320 || m.Height != 180 {
				t.Fatalf("mode %+v", m)
			}
			f := read(t, cam)
			defer f.Release()
			if f.Corrupt || len(f.Data) < format.FrameSize(320, 180) {
				t.Fatalf("corrupt %v, %d bytes", f.Corrupt, len(f.Data))
			}
			p := media.NewPicture(320, 180)
			if err := pixel.Convert(p, f); err != nil {
				t.Fatal(err)
			}
			var got [8][3]int
			for bar, c := range want {
				x, y := bar*40+20, 150
				got[bar] = [3]int{int(p.Y[y*p.YStride+x]), int(p.U[y/2*p.UVStride+x/2]), int(p.V[y/2*p.UVStride+x/2])}
				near := 4
				switch format {
				case media.FormatGrey, media.FormatY10, media.FormatY12, media.FormatY16:
					// vivid takes BT.709's weights for grey.
					c[1], c[2], near = 128, 128, 25
				case media.FormatRGB565:
					near = 8
				}
				for k := range c {
					if abs(got[bar][k]-c[k]) > near {
						t.Errorf("bar %d is %v, want %v", bar, got[bar], c)
						break
					}
				}
			}
			t.Logf("stride %d, bars %v", f.StrideBytes, got)
		})
	}
}

// lumaAt is a sample of a format whose luma plane is first, as the driver prefers.
func lumaAt(f *media.Frame, x, y int) byte { return f.Data[y*f.StrideBytes+x] }

func abs(x int) int { return max(x, -x) }

// TestCameraStream reads for two seconds: rate, time stamps, sequence, and no
// allocation.
func TestCameraStream(t *testing.T) {
	cam := openCamera(t, smallMode)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	// By default vivid stamps the end of the frame, which is yet to come.
	f := read(t, cam)
	if age := time.Since(f.CapturedAt); age < 0 {
		t.Errorf("a stamp in the future was not corrected: age %v", age)
	}
	f.Release()
	if err := cam.SetControl(vividStampAt, 1); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cam.SetControl(vividStampAt, 0); err != nil {
			t.Error(err)
		}
	}()
	for range 5 {
		read(t, cam).Release()
	}
	var ages []time.Duration
	var last uint32
	var lastAt time.Time
	start := time.Now()
	for i := range 60 {
		f, err := cam.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && (f.Sequence <= last || !f.CapturedAt.After(lastAt)) {
			t.Errorf("frame %d: sequence %d after %d, time %v after the one before", i, f.Sequence, last, f.CapturedAt.Sub(lastAt))
		}
		last, lastAt = f.Sequence, f.CapturedAt
		ages = append(ages, time.Since(f.CapturedAt))
		f.Release()
	}
	took := time.Since(start)
	slices.Sort(ages)
	t.Logf("mode %+v: 60 frames in %v, %d dropped; age median %v, most %v", cam.Mode(), took, cam.Dropped(), ages[30], ages[59])
	if ages[0] <= 0 || ages[30] < 200*time.Microsecond || ages[30] > 500*time.Millisecond {
		t.Errorf("ages from %v, median %v", ages[0], ages[30])
	}
	if allocs := testing.AllocsPerRun(20, func() {
		f, err := cam.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
	}); allocs != 0 {
		t.Errorf("%v allocations per frame", allocs)
	}
}

func TestCameraHeldFrames(t *testing.T) {
	cam := openCamera(t, smallMode)
	var held []*media.Frame
	for range 4 {
		held = append(held, read(t, cam))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	if _, err := cam.Read(ctx); hal.KindOf(err) != hal.Timeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Read with every buffer held: %v", err)
	}
	before := cam.Dropped()
	for _, f := range held {
		f.Release()
	}
	read(t, cam).Release()
	if cam.Dropped() <= before {
		t.Error("frames dropped by the kernel were not counted")
	}
	// What was handed out outlives the camera, and the device is free.
	f := read(t, cam)
	luma := lumaAt(f, 20, 150)
	if err := cam.Close(); err != nil {
		t.Fatal(err)
	}
	again := openCamera(t, smallMode)
	read(t, again).Release()
	if now := lumaAt(f, 20, 150); now != luma {
		t.Errorf("a held frame changed after Close from %d to %d", luma, now)
	}
	f.Release()
}

func TestCameraBusy(t *testing.T) {
	openCamera(t, smallMode)
	_, err := v4l2.New(nil).OpenCamera(t.Context(), camera, smallMode)
	if hal.KindOf(err) != hal.Busy {
		t.Errorf("second open: %v", err)
	}
	// Listing does not disturb, and is not disturbed.
	if list, err := v4l2.New(nil).Cameras(t.Context()); err != nil || len(list) != 3 || list[0].Problem != "" {
		t.Errorf("listing while streaming: %+v, %v", list, err)
	}
}

func TestCameraClose(t *testing.T) {
	cam := openCamera(t, hal.VideoMode{Width: 3840, Height: 2160}) // 2 frames a second
	got := make(chan error, 1)
	go func() {
		for {
			f, err := cam.Read(context.Background())
			if err != nil {
				got <- err
				return
			}
			f.Release()
		}
	}()
	time.Sleep(100 * time.Millisecond)
	took := within(t, 3*time.Second, "Close", func() { cam.Close() })
	if err := <-got; !errors.Is(err, hal.ErrClosed) {
		t.Errorf("Read = %v", err)
	}
	t.Logf("closed in %v", took)
}

func TestCameraControls(t *testing.T) {
	cam := openCamera(t, smallMode)
	find := func(name string) hal.Control {
		t.Helper()
		list, err := cam.Controls()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if c.Name == name {
				return c
			}
		}
		t.Fatalf("no control %q in %+v", name, list)
		return hal.Control{}
	}
	b := find("Brightness")
	if b.Min != 0 || b.Max != 255 || b.Value != b.Default {
		t.Errorf("brightness %+v", b)
	}
	f := read(t, cam)
	before := lumaAt(f, 20, 150)
	f.Release()
	if err := cam.SetControl(b.ID, 40); err != nil {
		t.Fatal(err)
	}
	if v := find("Brightness").Value; v != 40 {
		t.Errorf("brightness %d after setting 40", v)
	}
	for range 6 {
		read(t, cam).Release()
	}
	f = read(t, cam)
	after := lumaAt(f, 20, 150)
	f.Release()
	if after >= before {
		t.Errorf("luma %d before, %d after turning the brightness down", before, after)
	}
	if err := cam.SetControl(b.ID, b.Default); err != nil {
		t.Error(err)
	}
	if err := cam.SetControl(b.ID, 256); hal.KindOf(err) != hal.Unsupported {
		t.Errorf("brightness of 256: %v", err)
	}
	if m := find("Menu"); !slices.Contains(m.Menu, "Menu Item 3") {
		t.Errorf("menu %+v", m)
	}
	if m := find("Integer Menu"); !slices.Contains(m.Menu, "42") {
		t.Errorf("integer menu %+v", m)
	}
	wide := find("Integer 64 Bits")
	if err := cam.SetControl(wide.ID, 1<<33); wide.Max > 1<<33 && (err != nil || find("Integer 64 Bits").Value != 1<<33) {
		t.Errorf("64-bit control %+v: %v", wide, err)
	}
	if ro := find("Read-Only Integer 32 Bits"); !ro.ReadOnly || hal.KindOf(cam.SetControl(ro.ID, 1)) != hal.Unsupported {
		t.Errorf("read-only control %+v", ro)
	}
}

func TestCameraDamagedBuffer(t *testing.T) {
	cam := openCamera(t, smallMode)
	read(t, cam).Release()
	if err := cam.SetControl(vividDequeueErr, 0); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		f := read(t, cam)
		corrupt := f.Corrupt
		f.Release()
		if corrupt {
			return
		}
	}
	t.Error("no frame of ten was marked as damaged")
}

func TestCameraStartFails(t *testing.T) {
	cam := openCamera(t, smallMode)
	if err := cam.SetControl(vividStartErr, 0); err != nil {
		t.Fatal(err)
	}
	cam.Close()
	// The injected failure hits the first format tried; the next one starts.
	again := openCamera(t, smallMode)
	read(t, again).Release()
}

func TestCameraQueueBreaksDown(t *testing.T) {
	cam := openCamera(t, smallMode)
	read(t, cam).Release()
	if err := cam.SetControl(vividQueueErr, 0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for {
		f, err := cam.Read(ctx)
		if err == nil {
			f.Release()
			continue
		}
		t.Logf("Read = %v", err)
		if k := hal.KindOf(err); errors.Is(err, context.DeadlineExceeded) || k != hal.Other {
			t.Errorf("Read = %v, want kind other", err)
		}
		break
	}
	cam.Close()
	read(t, openCamera(t, smallMode)).Release()
}
