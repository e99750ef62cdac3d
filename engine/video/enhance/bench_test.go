package enhance

import (
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

func benchmarkChain(b *testing.B, cfg Config, sigma float64, dark bool) {
	c := mustNew(b, cfg, 25)
	rng := rand.New(rand.NewPCG(1, 2))
	var frames [8]*media.Picture
	for i := range frames {
		frames[i] = media.NewPicture(640, 480)
		drawScene(frames[i], 20*i)
		if dark {
			table := darkTable(0.4, 1.6, false)
			mapRow(frames[i].Y, &table)
		}
		addNoise(frames[i], rng, sigma)
	}
	p := media.NewPicture(640, 480)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		p.CopyFrom(frames[n%len(frames)])
		p.Sequence = uint32(n)
		n++
		if out := c.Process(p); out != p {
			out.Release()
		}
	}
}

func BenchmarkDenoiseNoisy(b *testing.B) {
	benchmarkChain(b, Config{Denoise: DenoiseConfig{Mode: Auto}}, 4, false)
}

func BenchmarkDenoiseClean(b *testing.B) {
	benchmarkChain(b, Config{Denoise: DenoiseConfig{Mode: Auto}}, 0, false)
}

func BenchmarkTone(b *testing.B) {
	benchmarkChain(b, Config{Tone: ToneConfig{Mode: Auto}}, 1, true)
}

func BenchmarkDeflicker(b *testing.B) { benchmarkChain(b, Config{Deflicker: MainsAuto}, 1, false) }

func BenchmarkLens(b *testing.B) {
	benchmarkChain(b, Config{Geometry: GeometryConfig{LensK1: -0.1}}, 1, false)
}

func BenchmarkRotate(b *testing.B) {
	benchmarkChain(b, Config{Geometry: GeometryConfig{Rotate: 90}}, 1, false)
}

func BenchmarkDefaults(b *testing.B) { benchmarkChain(b, Defaults(), 4, false) }
