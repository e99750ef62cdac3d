package y4m

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/internal/testdata"
)

func randomPicture(rng *rand.Rand, w, h int) *media.Picture {
	p := media.NewPicture(w, h)
	for _, plane := range [][]byte{p.Y, p.U, p.V} {
		for i := range plane {
			plane[i] = byte(rng.Uint32())
		}
	}
	return p
}

func visible(p *media.Picture) []byte {
	cw, ch := p.ChromaSize()
	b := appendPlane(nil, p.Y, p.YStride, p.Width, p.Height)
	b = appendPlane(b, p.U, p.UVStride, cw, ch)
	return appendPlane(b, p.V, p.UVStride, cw, ch)
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{1, 1}, {2, 2}, {3, 5}, {16, 16}, {17, 31}, {175, 143}, {320, 240}} {
		var buf bytes.Buffer
		w, err := NewWriter(&buf, Header{Width: size[0], Height: size[1], RateNum: 30000, RateDen: 1001})
		if err != nil {
			t.Fatal(err)
		}
		var want [][]byte
		for range 3 {
			p := randomPicture(rng, size[0], size[1])
			want = append(want, visible(p))
			if err := w.WritePicture(p); err != nil {
				t.Fatal(err)
			}
		}
		r, err := NewReader(&buf)
		if err != nil {
			t.Fatal(err)
		}
		if h := r.Header(); h != w.Header() || h.RateNum != 30000 || h.RateDen != 1001 || h.Chroma != "420jpeg" {
			t.Fatalf("header %+v, written %+v", h, w.Header())
		}
		p := randomPicture(rng, size[0], size[1])
		for i := range want {
			if err := r.ReadPicture(p); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(visible(p), want[i]) {
				t.Fatalf("%v: frame %d differs", size, i)
			}
		}
		if err := r.ReadPicture(p); err != io.EOF {
			t.Fatalf("end of stream: %v, want io.EOF", err)
		}
		if r.Frames() != 3 || w.Frames() != 3 {
			t.Fatalf("%d frames read, %d written", r.Frames(), w.Frames())
		}
	}
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		line string
		want Header
		err  error
	}{
		{"YUV4MPEG2 W64 H48", Header{Width: 64, Height: 48}, nil},
		{"YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED", Header{64, 48, 25, 1, 1, 1, "420mpeg2"}, nil},
		{"YUV4MPEG2  H48 W64 I? A0:0 F0:0 C420paldv", Header{Width: 64, Height: 48, Chroma: "420paldv"}, nil},
		{"YUV4MPEG2 W64 H48 C420", Header{Width: 64, Height: 48, Chroma: "420"}, nil},
		{"YUV4MPEG2 W64 H48 C444", Header{}, ErrUnsupported},
		{"YUV4MPEG2 W64 H48 C420p10", Header{}, ErrUnsupported},
		{"YUV4MPEG2 W64 H48 Cmono", Header{}, ErrUnsupported},
		{"YUV4MPEG2 W64 H48 It", Header{}, ErrUnsupported},
		{"YUV4MPEG2 W64", Header{}, ErrFormat},
		{"YUV4MPEG2 W0 H48", Header{}, ErrFormat},
		{"YUV4MPEG2 W-4 H48", Header{}, ErrFormat},
		{"YUV4MPEG2 W16384 H48", Header{}, ErrFormat},
		{"YUV4MPEG2 W99999999999999999999 H48", Header{}, ErrFormat},
		{"YUV4MPEG2 W64 H48 F25", Header{}, ErrFormat},
		{"YUV4MPEG2 W64 H48 F-25:1", Header{}, ErrFormat},
		{"YUV4MPEG W64 H48", Header{}, ErrFormat},
		{"RIFF", Header{}, ErrFormat},
		{"YUV4MPEG2 W64 H48 X" + strings.Repeat("x", 5000), Header{}, ErrFormat},
	} {
		r, err := NewReader(strings.NewReader(c.line + "\n"))
		if !errors.Is(err, c.err) {
			t.Errorf("%.60q: error %v, want %v", c.line, err, c.err)
			continue
		}
		if err == nil && r.Header() != c.want {
			t.Errorf("%q: %+v, want %+v", c.line, r.Header(), c.want)
		}
	}
	for _, s := range []string{"", "YUV4MPEG2 W64 H4"} {
		if _, err := NewReader(strings.NewReader(s)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: error %v, want unexpected EOF", s, err)
		}
	}
}

func TestDamagedFrames(t *testing.T) {
	const head = "YUV4MPEG2 W4 H2 F1:1\n"
	p := media.NewPicture(4, 2)
	for _, c := range []struct {
		body string
		err  error
	}{
		{"FRAME\n" + strings.Repeat("a", 12), nil},
		{"FRAME Ip\n" + strings.Repeat("a", 12), nil},
		{"", io.EOF},
		{"FRA", io.ErrUnexpectedEOF},
		{"FRAME\n" + strings.Repeat("a", 11), io.ErrUnexpectedEOF},
		{"FRAME\n", io.ErrUnexpectedEOF},
		{"FRAMES\n" + strings.Repeat("a", 12), ErrFormat},
		{"frame\n" + strings.Repeat("a", 12), ErrFormat},
		{"FRAME " + strings.Repeat("a", 100000) + "\n", ErrFormat},
	} {
		r, err := NewReader(strings.NewReader(head + c.body))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.ReadPicture(p); !errors.Is(err, c.err) || (c.err == nil) != (err == nil) {
			t.Errorf("%.20q: error %v, want %v", c.body, err, c.err)
		}
	}
	r, _ := NewReader(strings.NewReader(head))
	if err := r.ReadPicture(media.NewPicture(2, 4)); !errors.Is(err, ErrSize) {
		t.Errorf("picture of another size: %v", err)
	}
	w, _ := NewWriter(io.Discard, Header{Width: 4, Height: 2})
	if err := w.WritePicture(media.NewPicture(2, 4)); !errors.Is(err, ErrSize) {
		t.Errorf("picture of another size: %v", err)
	}
}

func TestWriterErrors(t *testing.T) {
	for _, h := range []Header{{}, {Width: 4}, {Width: 4, Height: 2, Chroma: "422"}, {Width: 4, Height: 2, RateNum: -1, RateDen: 1}} {
		if _, err := NewWriter(io.Discard, h); err == nil {
			t.Errorf("%+v accepted", h)
		}
	}
}

func TestNoAllocationPerFrame(t *testing.T) {
	p := media.NewPicture(64, 48)
	w, err := NewWriter(io.Discard, Header{Width: 64, Height: 48})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(20, func() { _ = w.WritePicture(p) }); n != 0 {
		t.Errorf("%v allocations per frame written", n)
	}
	var buf bytes.Buffer
	w, _ = NewWriter(&buf, Header{Width: 64, Height: 48})
	for range 30 {
		if err := w.WritePicture(p); err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewReader(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(20, func() {
		if err := r.ReadPicture(p); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per frame read", n)
	}
}

// TestFFmpeg exchanges a stream with ffmpeg in both directions.
func TestFFmpeg(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		testdata.Missing(t, "ffmpeg is not installed")
	}
	path := filepath.Join(t.TempDir(), "in.y4m")
	if out, err := exec.Command(ffmpeg, "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=66x50:rate=25:duration=0.2",
		"-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", path).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	in, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	h := r.Header()
	if h.Width != 66 || h.Height != 50 || h.RateNum != 25*h.RateDen {
		t.Fatalf("header %+v", h)
	}
	var raw []byte
	var out bytes.Buffer
	w, err := NewWriter(&out, h)
	if err != nil {
		t.Fatal(err)
	}
	p := media.NewPicture(h.Width, h.Height)
	for r.ReadPicture(p) == nil {
		raw = append(raw, visible(p)...)
		if err := w.WritePicture(p); err != nil {
			t.Fatal(err)
		}
	}
	if r.Frames() != 5 || len(raw) != 5*h.FrameBytes() {
		t.Fatalf("%d frames, %d bytes", r.Frames(), len(raw))
	}
	cmd := exec.Command(ffmpeg, "-loglevel", "error", "-f", "yuv4mpegpipe", "-i", "-", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
	cmd.Stdin = &out
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, raw) {
		t.Fatal("ffmpeg read other samples than were written")
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("YUV4MPEG2 W4 H2 F1:1 C420\nFRAME\n0123456789ab"))
	f.Add([]byte("YUV4MPEG2 W1 H1 Ip\nFRAME Ib\n012FRAME"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		if h := r.Header(); h.Width <= 64 && h.Height <= 64 {
			p := media.NewPicture(h.Width, h.Height)
			for range 4 {
				if r.ReadPicture(p) != nil {
					return
				}
			}
		}
	})
}

func ExampleReader() {
	stream := "YUV4MPEG2 W2 H2 F30:1 Ip A1:1 C420jpeg\nFRAME\nabcdUV"
	r, err := NewReader(strings.NewReader(stream))
	if err != nil {
		fmt.Println(err)
		return
	}
	p := media.NewPicture(r.Header().Width, r.Header().Height)
	for r.ReadPicture(p) == nil {
		fmt.Printf("%s %s\n", p.Y[:2], p.U[:1])
	}
	// Output: ab U
}
