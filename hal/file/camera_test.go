package file

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/haltest"
	"github.com/edgecam/edgecam/hal/sim"
	"github.com/edgecam/edgecam/internal/testdata"
)

func openClip(t testing.TB, opts CameraOptions, path string) hal.Camera {
	t.Helper()
	c, err := NewCameraDriver(opts).OpenCamera(context.Background(), Prefix+path, hal.VideoMode{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestCameraConformance(t *testing.T) {
	for name, data := range map[string][]byte{"clip.y4m": y4mClip(7, 50), "clip.ivf": ivfClip(7, 50)} {
		t.Run(name, func(t *testing.T) {
			path := write(t, name, data)
			haltest.Camera(t, NewCameraDriver(CameraOptions{Paths: []string{path}}), Prefix+path)
		})
	}
}

// TestLoopInRealTime: every frame comes in order and at its time, over the
// seam of the loop too.
func TestLoopInRealTime(t *testing.T) {
	for name, data := range map[string][]byte{"clip.y4m": y4mClip(5, 25), "clip.ivf": ivfClip(5, 25)} {
		path := write(t, name, data)
		synctest.Test(t, func(t *testing.T) {
			c := openClip(t, CameraOptions{}, path)
			defer func() { _ = c.Close() }()
			if m := c.Mode(); m.Width != 64 || m.Height != 32 || m.FrameInterval != 40*time.Millisecond {
				t.Errorf("%s: mode %+v", name, m)
			}
			start := time.Now()
			for i := range 23 {
				f, err := c.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if want := start.Add(time.Duration(i) * 40 * time.Millisecond); !f.CapturedAt.Equal(want) {
					t.Errorf("%s: frame %d at %v, want %v", name, i, f.CapturedAt.Sub(start), want.Sub(start))
				}
				if got := f.Data[len(f.Data)-1]; got != byte(i%5) || f.Sequence != uint32(i) {
					t.Errorf("%s: frame %d holds %d, sequence %d", name, i, got, f.Sequence)
				}
				if f.Format == media.FormatVP8 && (f.Data[0]&1 == 0) != (i%5 == 0) {
					t.Errorf("frame %d: the loop does not start at the key frame", i)
				}
				f.Release()
			}
		})
	}
}

func TestTruncatedClips(t *testing.T) {
	y4m, ivf := y4mClip(3, 100), ivfClip(3, 100)
	for _, c := range []struct {
		name   string
		data   []byte
		frames int    // whole ones
		says   string // where none plays
	}{
		{"a.y4m", y4m[:len(y4m)-1], 2, ""},
		{"b.y4m", y4m[:len(y4m)-64*48-4], 2, ""},
		{"c.y4m", y4m[:200], 0, "offset 48"},
		{"d.y4m", y4m[:48], 0, "no frame"},
		{"e.y4m", y4m[:20], 0, "header at offset 0 is incomplete"},
		{"f.y4m", nil, 0, "empty"},
		{"g.y4m", []byte("hello"), 0, "no YUV4MPEG2 file"},
		{"h.y4m", []byte("YUV4MPEG2 W64 H32 F25:1 C444\nFRAME\n"), 0, "4:2:0"},
		{"i.y4m", []byte("YUV4MPEG2 W99999999 H32 F25:1\nFRAME\n"), 0, "out of range"},
		{"j.y4m", []byte("YUV4MPEG2 W64 H32 F1:99999999999\nFRAME\n"), 0, "out of range"},
		{"k.y4m", []byte("YUV4MPEG2 W64 H32 F25:1\n" + strings.Repeat("x", 9999)), 0, `"FRAME" expected`},
		{"l.y4m", []byte("YUV4MPEG2 W64 H32 F25:1 It\nFRAME\n"), 0, "interlaced"},
		{"m.y4m", []byte("YUV4MPEG2 " + strings.Repeat("x", 9999)), 0, "longer than"},
		{"a.ivf", ivf[:len(ivf)-1], 2, ""},
		{"b.ivf", ivf[:len(ivf)-15], 2, ""},
		{"c.ivf", ivf[:50], 0, "offset 32"},
		{"d.ivf", ivf[:32], 0, "no frame"},
		{"e.ivf", ivf[:20], 0, "incomplete"},
		{"f.ivf", []byte(strings.Replace(string(ivf), "VP80", "AV01", 1)), 0, `codec "AV01"`},
		{"g.ivf", append(append([]byte{}, ivf[:32]...), 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0), 0, "out of range"},
		{"h.ivf", append(append([]byte{}, ivf[:44]...), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0, "not a key frame"},
	} {
		path := write(t, c.name, c.data)
		cam, err := NewCameraDriver(CameraOptions{}).OpenCamera(t.Context(), path, hal.VideoMode{})
		if c.frames == 0 {
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: error %v, want one that says %q", c.name, err, c.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for i := range 2*c.frames + 1 {
			f, err := cam.Read(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if got := f.Data[len(f.Data)-1]; int(got) != i%c.frames {
				t.Errorf("%s: frame %d holds %d", c.name, i, got)
			}
			f.Release()
		}
		_ = cam.Close()
	}
}

// TestFileChangesWhilePlaying cuts and replaces the file under a camera: it
// goes on or fails with a clear error, and never panics.
func TestFileChangesWhilePlaying(t *testing.T) {
	for _, name := range []string{"clip.y4m", "clip.ivf"} {
		data := y4mClip(40, 240)
		if name == "clip.ivf" {
			data = ivfClip(40, 240)
		}
		for _, after := range [][]byte{{}, data[:60], []byte(strings.Repeat("garbage ", 4000)), y4mClip(3, 30), data} {
			path := write(t, name, data)
			c := openClip(t, CameraOptions{}, path)
			var err error
			for i := range 90 {
				if i == 3 {
					if err := os.WriteFile(path, after, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				var f *media.Frame
				if f, err = c.Read(t.Context()); err != nil {
					break
				}
				f.Release()
			}
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("error %q does not name the file", err)
			}
			if err == nil && len(after) == 0 {
				t.Errorf("%s replaced by %d bytes still plays", name, len(after))
			}
			_ = c.Close()
		}
	}
}

func TestMissingFiles(t *testing.T) {
	d := NewCameraDriver(CameraOptions{})
	for id, kind := range map[string]hal.Kind{"file:/no/such/clip.y4m": hal.Gone, "file:": hal.Gone, "file:" + t.TempDir(): hal.Unsupported} {
		if _, err := d.OpenCamera(t.Context(), id, hal.VideoMode{}); err == nil || hal.KindOf(err) != kind {
			t.Errorf("%s: error %v, want kind %v", id, err, kind)
		}
	}
}

func TestStampClock(t *testing.T) {
	const w, h = 640, 96
	data := []byte("YUV4MPEG2 W640 H96 F100:1\nFRAME\n")
	data = append(data, make([]byte, w*h*3/2)...)
	c := openClip(t, CameraOptions{StampClock: sim.StampClock}, write(t, "clip.y4m", data))
	for range 4 {
		f, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if ms, ok := sim.ReadClock(f.Data, 1, w, w, h); !ok || ms != uint32(f.CapturedAt.UnixMilli()) {
			t.Errorf("clock reads %d (%v), stamped %d", ms, ok, uint32(f.CapturedAt.UnixMilli()))
		}
		f.Release()
	}
}

func TestNoAllocationPerFrame(t *testing.T) {
	for name, data := range map[string][]byte{"clip.y4m": y4mClip(60, 240), "clip.ivf": ivfClip(60, 240)} {
		c := openClip(t, CameraOptions{}, write(t, name, data))
		ctx := context.Background()
		read := func() {
			f, err := c.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			f.Release()
		}
		for range 10 {
			read()
		}
		if n := testing.AllocsPerRun(30, read); n != 0 {
			t.Errorf("%s: %v allocations per frame", name, n)
		}
	}
}

func ffmpeg(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		testdata.Missing(t, "ffmpeg is not installed")
	}
	if out, err := exec.Command(path, append([]string{"-v", "error", "-nostdin", "-y"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %v: %v\n%s", args, err, out)
	}
}

func TestFFmpegClip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clip.mkv")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=0.4", "-c:v", "mjpeg", path)
	if !testing.Short() {
		haltest.Camera(t, NewCameraDriver(CameraOptions{Paths: []string{path}}), Prefix+path)
	}
	c := openClip(t, CameraOptions{}, path)
	if m := c.Mode(); m != (hal.VideoMode{Format: media.FormatI420, Width: 160, Height: 120, FrameInterval: 40 * time.Millisecond}) {
		t.Errorf("mode %+v", m)
	}
	for range 25 { // two and a half rounds
		f, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
	}
}

func TestFFmpegErrors(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		testdata.Missing(t, "ffmpeg is not installed")
	}
	path := write(t, "broken.mp4", []byte("this is no video at all, whatever its name says"))
	_, err := NewCameraDriver(CameraOptions{}).OpenCamera(t.Context(), path, hal.VideoMode{})
	if err == nil || !strings.Contains(err.Error(), "ffmpeg cannot decode it") || !strings.Contains(err.Error(), path) {
		t.Errorf("broken file: %v", err)
	}
	_, err = NewCameraDriver(CameraOptions{FFmpeg: "no-such-ffmpeg"}).OpenCamera(t.Context(), path, hal.VideoMode{})
	if err == nil || !strings.Contains(err.Error(), "install ffmpeg") {
		t.Errorf("without ffmpeg: %v", err)
	}
	list, err := NewCameraDriver(CameraOptions{Paths: []string{path}}).Cameras(t.Context())
	if err != nil || len(list) != 1 || list[0].Problem == "" {
		t.Errorf("list: %+v, %v", list, err)
	}
}
