package vp8

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/y4m"
	"github.com/edgecam/edgecam/internal/testdata"
)

// writeScene writes a clip that makes an encoder use all it has: texture that
// moves by fractions of a pixel, a patch that moves on its own, noise, a
// sudden change.
func writeScene(tb testing.TB, path string, rng *rand.Rand, w, h, frames int) {
	tb.Helper()
	var buf bytes.Buffer
	out, err := y4m.NewWriter(&buf, y4m.Header{Width: w, Height: h, RateNum: 30, RateDen: 1})
	if err != nil {
		tb.Fatal(err)
	}
	texture := make([]byte, 64*64)
	for i := range texture {
		texture[i] = byte(rng.IntN(256))
	}
	// smooth is the texture interpolated at (x, y) in 256ths of its grid.
	smooth := func(x, y int) int {
		at := func(i, j int) int { return int(texture[j&63*64+i&63]) }
		i, j, fx, fy := x>>8, y>>8, x&255, y&255
		top := at(i, j)*(256-fx) + at(i+1, j)*fx
		bottom := at(i, j+1)*(256-fx) + at(i+1, j+1)*fx
		return (top*(256-fy) + bottom*fy) >> 16
	}
	p := media.NewPicture(w, h)
	vx, vy, noise := rng.IntN(200)-100, rng.IntN(200)-100, rng.IntN(6)
	cut := rng.IntN(frames)
	for n := range frames {
		shade := 0
		if n >= cut {
			shade = 40
		}
		for y := range h {
			for x := range w {
				v := smooth(x*24+n*vx, y*24+n*vy)/2 + shade
				if dx, dy := x-n*3, y-h/3-n; dx >= 0 && dx < w/3 && dy >= 0 && dy < h/3 {
					v = smooth(x*60-n*90, y*60+n*31)
				}
				if noise > 0 {
					v += rng.IntN(2*noise+1) - noise
				}
				p.Y[y*p.YStride+x] = byte(max(0, min(v, 255)))
			}
		}
		cw, ch := p.ChromaSize()
		for y := range ch {
			for x := range cw {
				p.U[y*p.UVStride+x] = byte(smooth(x*30+n*vx/2, y*30))
				p.V[y*p.UVStride+x] = byte(smooth(x*20, y*44+n*vy))
			}
		}
		if err := out.WritePicture(p); err != nil {
			tb.Fatal(err)
		}
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// randomEncoderArgs draws settings that make libvpx use different parts of the
// format.
func randomEncoderArgs(rng *rand.Rand) []string {
	args := []string{"--codec=vp8", "--ivf", "--quiet"}
	add := func(format string, v any) { args = append(args, fmt.Sprintf(format, v)) }
	add("--profile=%d", rng.IntN(4))
	add("--token-parts=%d", rng.IntN(4))
	add("--sharpness=%d", rng.IntN(8))
	add("--kf-max-dist=%d", []int{0, 5, 9999}[rng.IntN(3)])
	add("--target-bitrate=%d", 20+rng.IntN(800))
	add("--min-q=%d", rng.IntN(20))
	add("--max-q=%d", 30+rng.IntN(34))
	add("--noise-sensitivity=%d", rng.IntN(4))
	add("--static-thresh=%d", rng.IntN(2)*400)
	add("--error-resilient=%d", rng.IntN(4))
	if rng.IntN(3) == 0 {
		add("--resize-allowed=%d", 1)
		add("--resize-down=%d", 90)
		add("--end-usage=%s", "cbr")
	}
	if rng.IntN(2) == 0 {
		args = append(args, "--rt")
		add("--cpu-used=%d", -rng.IntN(17))
	} else {
		args = append(args, "--good", "--auto-alt-ref=1")
		add("--lag-in-frames=%d", rng.IntN(12))
		add("--cpu-used=%d", rng.IntN(5))
		add("--passes=%d", 1+rng.IntN(2))
		add("--arnr-maxframes=%d", rng.IntN(8))
		add("--arnr-strength=%d", rng.IntN(7))
		add("--tune=%s", []string{"psnr", "ssim"}[rng.IntN(2)])
	}
	return args
}

// TestLibvpxStreams decodes streams made by libvpx with random settings and
// compares every frame with its decoder. EDGECAM_VP8_STREAMS sets how many.
func TestLibvpxStreams(t *testing.T) {
	for _, tool := range []string{"vpxenc", "vpxdec"} {
		if _, err := exec.LookPath(tool); err != nil {
			testdata.Missing(t, "%s is not installed (Debian: vpx-tools)", tool)
		}
	}
	count := envCount(t, "EDGECAM_VP8_STREAMS", 24)
	if testing.Short() {
		count = 3
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(11, uint64(count)))
	shown, sizes := 0, map[[2]int]bool{}
	for n := range count {
		w, h := 16+rng.IntN(200), 16+rng.IntN(160)
		src, dst := filepath.Join(dir, "in.y4m"), filepath.Join(dir, "out.ivf")
		writeScene(t, src, rng, w, h, 10+rng.IntN(10))
		args := append(randomEncoderArgs(rng), "-o", dst, src)
		if out, err := exec.Command("vpxenc", args...).CombinedOutput(); err != nil {
			t.Fatalf("vpxenc %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		want, err := exec.Command("vpxdec", "--i420", "--md5", dst).Output()
		if err != nil {
			t.Fatalf("vpxdec: %v", err)
		}
		for _, threads := range []int{1, 2} {
			d := NewDecoder(DecoderOptions{Threads: threads})
			sum := md5.New()
			for i, data := range readFrames(t, dst) {
				p, err := d.Decode(data)
				if err != nil {
					t.Fatalf("stream %d (%dx%d, %s): frame %d: %v", n, w, h, strings.Join(args, " "), i, err)
				}
				if p != nil {
					hashPicture(sum, p)
					shown++
					sizes[[2]int{p.Width, p.Height}] = true
				}
			}
			d.Close()
			if got := fmt.Sprintf("%x", sum.Sum(nil)); got != strings.Fields(string(want))[0] {
				t.Errorf("stream %d, %d threads (%dx%d, %s): MD5 %s, vpxdec %s", n, threads, w, h, strings.Join(args, " "), got, want)
			}
		}
	}
	t.Logf("%d streams, %d frames shown, %d sizes", count, shown, len(sizes))
}
