package vp8

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/ivf"
	"github.com/edgecam/edgecam/internal/testdata"
)

// testScene draws a textured background that stays, a patch that moves, light
// that changes and noise: all kinds of macroblock come up.
type testScene struct {
	rng    *rand.Rand
	w, h   int
	noise  int
	frozen bool
	t      int
	bg     []byte
}

func newTestScene(seed uint64, w, h, noise int) *testScene {
	s := &testScene{rng: rand.New(rand.NewPCG(seed, 1)), w: w, h: h, noise: noise}
	s.bg = make([]byte, w*h)
	for y := range h {
		for x := range w {
			v := 96 + (x*5/7+y*3/5)%64 + (x/9^y/13)&31
			if s.rng.IntN(40) == 0 {
				v += 40
			}
			s.bg[y*w+x] = byte(v)
		}
	}
	return s
}

func (s *testScene) next(p *media.Picture) {
	if !s.frozen {
		s.t++
	}
	light := 0
	if s.t%23 > 15 {
		light = 12
	}
	side := max(min(s.w, s.h)/2, 4)
	ox, oy := (s.t*3+s.t*s.t/9)%s.w-side/2, (s.t*2)%s.h-side/2
	for y := range s.h {
		for x := range s.w {
			v := int(s.bg[y*s.w+x]) + light
			if dx, dy := x-ox, y-oy; dx >= 0 && dy >= 0 && dx < side && dy < side {
				v = 40 + (dx*7^dy*5)&127
			}
			if s.noise > 0 {
				v += s.rng.IntN(2*s.noise+1) - s.noise
			}
			p.Y[y*p.YStride+x] = byte(min(max(v, 0), 255))
		}
	}
	cw, ch := p.ChromaSize()
	for y := range ch {
		for x := range cw {
			p.U[y*p.UVStride+x] = byte(100 + (x+s.t)/2&63)
			p.V[y*p.UVStride+x] = byte(150 - (y*2+s.t*3)/4&63)
		}
	}
}

// outsideDecoder collects a stream and what we believe its pictures are.
type outsideDecoder struct {
	t   *testing.T
	ivf bytes.Buffer
	w   *ivf.Writer
	sum hash.Hash
	n   int
	dec *Decoder
}

func newOutsideDecoder(t *testing.T, w, h int) *outsideDecoder {
	t.Helper()
	d := &outsideDecoder{t: t, sum: md5.New(), dec: NewDecoder(DecoderOptions{})}
	var err error
	d.w, err = ivf.NewWriter(&d.ivf, ivf.Header{Width: w, Height: h})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func encPictureSum(p *media.Picture) string {
	h := md5.New()
	hashPicture(h, p)
	return hex.EncodeToString(h.Sum(nil))
}

// add takes a frame and checks it with our own decoder at once.
func (d *outsideDecoder) add(data []byte, recon *media.Picture) {
	d.t.Helper()
	pic, err := d.dec.Decode(data)
	if err != nil {
		d.t.Fatalf("frame %d (%d bytes): our decoder: %v", d.n, len(data), err)
	}
	if got, want := encPictureSum(pic), encPictureSum(recon); got != want {
		d.t.Fatalf("frame %d (%dx%d, %d bytes): our decoder's picture differs from the reconstruction: %s", d.n, recon.Width, recon.Height, len(data), firstDifference(pic, recon))
	}
	hashPicture(d.sum, recon)
	if err := d.w.WriteFrame(data, uint64(d.n)); err != nil {
		d.t.Fatal(err)
	}
	d.n++
}

func firstDifference(a, b *media.Picture) string {
	for y := range a.Height {
		for x := range a.Width {
			if a.Y[y*a.YStride+x] != b.Y[y*b.YStride+x] {
				return fmt.Sprintf("first at luma %d,%d: %d and %d", x, y, a.Y[y*a.YStride+x], b.Y[y*b.YStride+x])
			}
		}
	}
	return "in chroma"
}

// check decodes the stream with vpxdec and compares the MD5 of all pictures.
func (d *outsideDecoder) check() {
	d.t.Helper()
	want := hex.EncodeToString(d.sum.Sum(nil))
	bin, err := exec.LookPath("vpxdec")
	if err != nil {
		testdata.Missing(d.t, "vpxdec is not installed (apt install vpx-tools)")
		return
	}
	name := filepath.Join(d.t.TempDir(), "out.ivf")
	if err := os.WriteFile(name, d.ivf.Bytes(), 0o600); err != nil {
		d.t.Fatal(err)
	}
	out, err := exec.Command(bin, "--i420", "--md5", name).CombinedOutput()
	if err != nil {
		d.t.Fatalf("vpxdec: %v: %s", err, out)
	}
	if got := strings.Fields(string(out))[0]; got != want {
		d.t.Fatalf("vpxdec's MD5 over %d frames is %s, the reconstruction's %s", d.n, got, want)
	}
}

// checkFFmpeg does the same with ffmpeg's own decoder.
func (d *outsideDecoder) checkFFmpeg() {
	d.t.Helper()
	want := hex.EncodeToString(d.sum.Sum(nil))
	bin, err := exec.LookPath("ffmpeg")
	if err != nil {
		testdata.Missing(d.t, "ffmpeg is not installed (apt install ffmpeg)")
		return
	}
	name := filepath.Join(d.t.TempDir(), "out.ivf")
	if err := os.WriteFile(name, d.ivf.Bytes(), 0o600); err != nil {
		d.t.Fatal(err)
	}
	out, err := exec.Command(bin, "-v", "error", "-threads", "1", "-c:v", "vp8", "-i", name, "-fps_mode", "passthrough", "-f", "md5", "-pix_fmt", "yuv420p", "-").CombinedOutput()
	if err != nil {
		d.t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	if got := strings.TrimPrefix(strings.TrimSpace(string(out)), "MD5="); got != want {
		d.t.Fatalf("ffmpeg's MD5 over %d frames is %s, the reconstruction's %s", d.n, got, want)
	}
}

func encodeScene(t *testing.T, cfg EncoderConfig, scene *testScene, frames int, each func(e *Encoder, i int) FrameOptions) *outsideDecoder {
	t.Helper()
	e, err := NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d := newOutsideDecoder(t, cfg.Width, cfg.Height)
	pic := media.NewPicture(cfg.Width, cfg.Height)
	for i := range frames {
		scene.next(pic)
		opt := FrameOptions{}
		if each != nil {
			opt = each(e, i)
		}
		f, err := e.Encode(pic, opt)
		if err != nil {
			t.Fatal(err)
		}
		if e.LastFrame().Dropped {
			continue
		}
		d.add(f.Data, e.Reconstruction())
	}
	d.check()
	return d
}

func TestEncoderOutputDecodesElsewhere(t *testing.T) {
	for _, c := range []struct{ w, h, noise, speed, kbps, layers int }{
		{64, 64, 0, 0, 200, 1},
		{176, 144, 2, 3, 100, 1},
		{97, 61, 4, 5, 300, 2},
		{16, 16, 0, 6, 20, 1},
		{1, 1, 0, 0, 20, 1},
		{33, 17, 3, 1, 2000, 3},
		{320, 192, 1, 10, 60, 1},
		{177, 143, 8, 8, 500, 1},
	} {
		t.Run(fmt.Sprintf("%dx%d_n%d_s%d_l%d", c.w, c.h, c.noise, c.speed, c.layers), func(t *testing.T) {
			cfg := EncoderConfig{Width: c.w, Height: c.h, FrameRate: 25, BitrateBps: c.kbps * 1000, Speed: c.speed, TemporalLayers: c.layers}
			encodeScene(t, cfg, newTestScene(uint64(c.w), c.w, c.h, c.noise), 40, nil).checkFFmpeg()
		})
	}
}

// randomInterest sets up to three regions, some of them outside the picture.
func randomInterest(t *testing.T, e *Encoder, rng *rand.Rand) {
	var r [3]Region
	for i := range r {
		r[i] = Region{X: rng.IntN(300) - 60, Y: rng.IntN(300) - 60, Width: 1 + rng.IntN(120), Height: 1 + rng.IntN(120)}
		if rng.IntN(8) == 0 {
			r[i] = Region{X: -1 << 62, Y: 1 << 62, Width: 1<<63 - 1, Height: 1<<63 - 1}
		}
	}
	if err := e.SetInterest(r[:rng.IntN(4)], rng.IntN(255)-127); err != nil {
		t.Fatal(err)
	}
}

// TestEncoderRandomOptions changes rate, frame rate and key requests at random
// in mid-stream, with random settings and sizes. EDGECAM_VP8_RANDOM is a number
// of further runs, up to 1920x1080.
func TestEncoderRandomOptions(t *testing.T) {
	runs, large := 24, 0
	if testing.Short() {
		runs = 6
	}
	if n := os.Getenv("EDGECAM_VP8_RANDOM"); n != "" {
		var err error
		if large, err = strconv.Atoi(n); err != nil {
			t.Fatal(err)
		}
	}
	for i := range runs + large {
		rng := rand.New(rand.NewPCG(uint64(i), 77))
		w, h, frames := 1+rng.IntN(200), 1+rng.IntN(160), 40
		if i >= runs {
			w, h, frames = 1+rng.IntN(1920), 1+rng.IntN(1080), 20
		}
		cfg := EncoderConfig{
			Width: w, Height: h, FrameRate: 1 + 60*rng.Float64(), BitrateBps: 5000 + rng.IntN(2_000_000),
			Speed: rng.IntN(MaxSpeed+2) - 1, TemporalLayers: 1 + rng.IntN(3), AllowDrop: rng.IntN(3) == 0,
			Denoise: DenoiseMode(rng.IntN(2)), Threads: 1 + rng.IntN(3), TokenPartitions: []int{0, 1, 2, 4, 8}[rng.IntN(5)],
			BufferDelay: time.Duration(100+rng.IntN(2000)) * time.Millisecond,
		}
		cfg.AdaptiveQuant = rng.IntN(3) == 0
		if rng.IntN(3) == 0 {
			cfg.KeyInterval = 1 + rng.IntN(20)
		}
		if rng.IntN(4) == 0 {
			cfg.IntraRefresh = 1 + rng.IntN(40)
		}
		if rng.IntN(2) == 0 {
			cfg.MinQuantizer = rng.IntN(60)
			cfg.MaxQuantizer = cfg.MinQuantizer + rng.IntN(maxQuantIndex-cfg.MinQuantizer+1)
			cfg.MaxQuantizer = max(cfg.MaxQuantizer, 1)
		}
		t.Run(fmt.Sprintf("%d_%dx%d_l%d_s%d_k%d", i, w, h, cfg.TemporalLayers, cfg.Speed, cfg.KeyInterval), func(t *testing.T) {
			scene := newTestScene(uint64(i), w, h, rng.IntN(7))
			encodeScene(t, cfg, scene, frames, func(e *Encoder, i int) FrameOptions {
				if rng.IntN(5) == 0 {
					e.SetBitrate(1000 + rng.IntN(3_000_000))
				}
				if rng.IntN(9) == 0 {
					e.SetFrameRate(1 + 50*rng.Float64())
				}
				scene.frozen = i/10%2 == 1
				if rng.IntN(6) == 0 {
					randomInterest(t, e, rng)
				}
				opt := FrameOptions{ForceKey: rng.IntN(15) == 0}
				if refs := 3 - b2i(cfg.TemporalLayers == 3); rng.IntN(4) == 0 {
					opt.Store, opt.PredictFrom = Reference(rng.IntN(refs)), Reference(rng.IntN(refs))
				}
				return opt
			}).checkFFmpeg()
		})
	}
}
