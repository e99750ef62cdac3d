package enhance

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/internal/testdata"
)

// drawExposed draws a scene that uses its range as well exposed pictures do.
func drawExposed(p *media.Picture) {
	drawScene(p, 100)
	for i, v := range p.Y {
		p.Y[i] = byte(min(max(24+(float64(v)-60)*1.45, 16), 225))
	}
}

// darkTable is luma by luma: a power and a scale, of samples from 16 to 235 or
// from 0 to 255.
func darkTable(scale, gamma float64, full bool) (t [256]byte) {
	for v := range t {
		x := float64(v) / 255
		if full {
			t[v] = byte(255 * scale * math.Pow(x, gamma))
			continue
		}
		x = math.Max(float64(v)-16, 0) / 219
		t[v] = byte(16 + 219*scale*math.Pow(x, gamma))
	}
	return t
}

// Darkness is taken back, whatever its scale and gamma are, also where a power
// of full range samples has put the shadows below the nominal black.
func TestToneTakesDarknessBack(t *testing.T) {
	clean, p := media.NewPicture(320, 240), media.NewPicture(320, 240)
	drawExposed(clean)
	for _, full := range []bool{false, true} {
		for _, scale := range []float64{0.3, 0.45, 0.6, 0.75} {
			for _, gamma := range []float64{1, 1.3, 1.6, 1.9, 2.2} {
				p.CopyFrom(clean)
				table := darkTable(scale, gamma, full)
				mapRow(p.Y, &table)
				before := meanSquare(p, clean)
				chain := mustNew(t, Config{Tone: ToneConfig{Mode: Auto}}, 25)
				chain.Process(p)
				after := meanSquare(p, clean)
				t.Logf("full %v, scale %.2f, gamma %.1f: squared error %5.0f becomes %4.0f, exponent %.2f", full, scale, gamma, before, after, chain.tone.now.exponent)
				if after > 120+before/10 {
					t.Errorf("full %v, scale %g, gamma %g: squared error %.0f of %.0f is left", full, scale, gamma, after, before)
				}
			}
		}
	}
}

// A well exposed picture keeps every bit, also of a scene with more shade than
// light.
func TestToneLeavesWellExposedAlone(t *testing.T) {
	clean, p := media.NewPicture(320, 240), media.NewPicture(320, 240)
	for _, gamma := range []float64{0.95, 1, 1.2} {
		drawExposed(clean)
		table := darkTable(1.05, gamma, false)
		mapRow(clean.Y, &table)
		p.CopyFrom(clean)
		chain := mustNew(t, Config{Tone: ToneConfig{Mode: Auto}}, 25)
		chain.Process(p)
		if !samePicture(p, clean) {
			t.Errorf("power %g: the picture is changed: %+v", gamma, chain.tone.now.curve)
		}
	}
}

// A scene that is truly dark must not become a picture of noise.
func TestToneBoundsNoise(t *testing.T) {
	long(t)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, level := range []float64{2, 8, 30} {
		for _, sigma := range []float64{0.7, 2, 4} {
			chain := mustNew(t, Config{Denoise: DenoiseConfig{Mode: Auto}, Tone: ToneConfig{Mode: Auto}}, 25)
			p := media.NewPicture(160, 120)
			var before, after float64
			for n := range 16 {
				for i := range p.Y {
					p.Y[i] = byte(16 + level*float64(i/160)/120)
				}
				addNoise(p, rng, sigma)
				p.Sequence = uint32(n)
				before = roughness(p)
				chain.Process(p)
				after = roughness(p)
			}
			t.Logf("level %g: noise of %.1f becomes %.1f", level, before, after)
			if after > noiseMost/2 {
				t.Errorf("level %g: noise of %.1f becomes %.1f", level, before, after)
			}
		}
	}
}

// roughness is the deviation of noise on slopes: of second differences.
func roughness(p *media.Picture) float64 {
	var sum, n float64
	for y := range p.Height {
		for x := 1; x+1 < p.Width; x++ {
			at := y*p.YStride + x
			d := float64(p.Y[at-1]) + float64(p.Y[at+1]) - 2*float64(p.Y[at])
			sum += d * d
			n++
		}
	}
	return math.Sqrt(sum / n / 6)
}

// The tables are what the curve says, in order and within the range.
func TestCurveTable(t *testing.T) {
	for _, c := range []curve{
		straight,
		{black: 16, gain: 1.5, exponent: 0.6, toe: 0.01},
		{black: 0, gain: gainMost, exponent: exponentLeast},
		{black: 48, gain: 2, exponent: 1},
	} {
		c.bound(steepMost / c.gain)
		var table [256]byte
		c.fill(&table)
		for v := range 255 {
			if table[v+1] < table[v] {
				t.Errorf("%+v: %d is darker than %d", c, v+1, v)
			}
		}
		if table[int(c.black)] != 16 || table[255] > 235 {
			t.Errorf("%+v: from %d to %d", c, table[int(c.black)], table[255])
		}
		if steepest := c.slope(c.black); steepest > steepMost*1.01 && c.exponent < 1 {
			t.Errorf("%+v: %g times at black", c, steepest)
		}
	}
}

// On pictures of doors and rooms that a power has darkened, more comes back
// than ffmpeg's normalize and histeq bring.
func TestToneAgainstFilters(t *testing.T) {
	long(t)
	tool, err := exec.LookPath("ffmpeg")
	if err != nil {
		testdata.Missing(t, "ffmpeg is not installed")
	}
	for _, c := range []struct {
		file          string
		width, height int
	}{{"o3_indoor_768x432.mp4", 768, 432}, {"o7_door_clean_640x480.mp4", 640, 480}} {
		clip := testdata.Shared(t, "clips", "open", c.file)
		size := fmt.Sprintf("%dx%d", c.width, c.height)
		run := func(in []byte, args ...string) []byte {
			cmd := exec.Command(tool, append([]string{"-v", "error"}, args...)...)
			cmd.Stdin = bytes.NewReader(in)
			out, err := cmd.Output()
			if err != nil || len(out) < c.width*c.height*3/2 {
				t.Fatalf("ffmpeg %v: %v, %d bytes", args, err, len(out))
			}
			return out
		}
		clean := run(nil, "-ss", "4", "-i", clip, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
		luma := c.width * c.height
		for _, d := range []struct{ scale, gamma float64 }{{0.6, 1.6}, {0.45, 1.3}, {0.75, 2}} {
			dark := bytes.Clone(clean)
			table := darkTable(d.scale, d.gamma, true)
			mapRow(dark[:luma], &table)
			p := media.NewPicture(c.width, c.height)
			cw, ch := p.ChromaSize()
			for y := range c.height {
				copy(p.Y[y*p.YStride:], dark[y*c.width:(y+1)*c.width])
			}
			for y := range ch {
				copy(p.U[y*p.UVStride:], dark[luma+y*cw:luma+(y+1)*cw])
				copy(p.V[y*p.UVStride:], dark[luma+(ch+y)*cw:luma+(ch+y+1)*cw])
			}
			mustNew(t, Config{Tone: ToneConfig{Mode: Auto}}, 25).Process(p)
			ours := make([]byte, 0, luma)
			for y := range c.height {
				ours = append(ours, p.Y[y*p.YStride:y*p.YStride+c.width]...)
			}
			got := similarity(clean, ours, c.width, c.height)
			t.Logf("%s, %.2f times luma to the power %.1f: %.3f becomes %.3f", c.file, d.scale, d.gamma, similarity(clean, dark, c.width, c.height), got)
			for _, filter := range []string{"normalize", "histeq"} {
				out := run(dark, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-i", "-", "-vf", filter+",format=yuv420p", "-f", "rawvideo", "-")
				if peer := similarity(clean, out, c.width, c.height); peer >= got {
					t.Errorf("%s, %g times luma to the power %g: %.3f, by %s %.3f", c.file, d.scale, d.gamma, got, filter, peer)
				}
			}
		}
	}
}

// similarity is the mean SSIM of luma over windows of 8x8, every fourth.
func similarity(a, b []byte, width, height int) float64 {
	var sum, n float64
	for y := 0; y+8 <= height; y += 4 {
		for x := 0; x+8 <= width; x += 4 {
			var sa, sb, saa, sbb, sab float64
			for j := range 8 {
				at := (y+j)*width + x
				for i := range 8 {
					u, v := float64(a[at+i]), float64(b[at+i])
					sa, sb, saa, sbb, sab = sa+u, sb+v, saa+u*u, sbb+v*v, sab+u*v
				}
			}
			ma, mb := sa/64, sb/64
			va, vb, co := (saa-sa*ma)/63, (sbb-sb*mb)/63, (sab-sa*mb)/63
			sum += (2*ma*mb + 6.5025) * (2*co + 58.5225) / ((ma*ma + mb*mb + 6.5025) * (va + vb + 58.5225))
			n++
		}
	}
	return sum / n
}
