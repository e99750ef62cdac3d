package enhance

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/internal/kerneltest"
)

func TestRemapEqualsGeneric(t *testing.T) {
	for _, set := range kernelSets() {
		t.Run(set.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(21, 22))
			for round := range 300 {
				n := rng.IntN(70)
				stride := 8 + rng.IntN(60)
				src := kerneltest.NewGuarded(t, 4096).Tail(stride * (3 + rng.IntN(20)))
				row := kerneltest.NewGuarded(t, 4096).Tail(n)
				fx, fy := kerneltest.NewGuarded(t, 4096).Tail(n), kerneltest.NewGuarded(t, 4096).Tail(n)
				at := words[int32](kerneltest.NewGuarded(t, 4096).Tail(4 * n))
				for i := range src {
					src[i] = byte(rng.Uint32())
					if round%3 == 0 {
						src[i] = 255
					}
				}
				most := len(src) - stride - remapReach
				for i := range at {
					at[i], fx[i], fy[i] = int32(rng.IntN(most+1)), byte(rng.IntN(17)), byte(rng.IntN(17))
					if round%5 == 0 {
						at[i], fx[i], fy[i] = int32(most), 16, 16
					}
				}
				want, edge := slices.Clone(row), slices.Clone(row)
				restore := SelectKernels(set)
				remapRow(row, src, at, fx, fy, stride)
				restore()
				remapGeneric(want, src, at, fx, fy, stride)
				remapEdge(edge, src, at, fx, fy, stride)
				if !slices.Equal(row, want) || !slices.Equal(edge, want) {
					t.Fatalf("%d samples, stride %d: differs from portable code", n, stride)
				}
			}
		})
	}
}

// Pictures whose planes end where memory ends, and whose strides change.
func TestRemapStaysInside(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	for _, cfg := range []GeometryConfig{{LensK1: 0.5}, {LensK1: -0.4, LensK2: 0.1, Rotate: 90}, {Zoom: 8, PanX: 1, PanY: 1}, {Zoom: 1.3, Mirror: true, CropX: 0.3, CropWidth: 0.7}} {
		c := mustNew(t, Config{Geometry: cfg}, 25)
		for _, size := range [][2]int{{16, 16}, {33, 17}, {64, 48}, {64, 48}, {3, 2}, {1, 1}} {
			w, h := size[0], size[1]
			cw, ch := (w+1)/2, (h+1)/2
			pad := rng.IntN(5)
			p := &media.Picture{Width: w, Height: h, YStride: w + pad, UVStride: cw + pad}
			p.Y = kerneltest.NewGuarded(t, 8192).Tail(p.YStride*(h-1) + w)
			p.U = kerneltest.NewGuarded(t, 8192).Tail(p.UVStride*(ch-1) + cw)
			p.V = kerneltest.NewGuarded(t, 8192).Tail(p.UVStride*(ch-1) + cw)
			for i := range p.Y {
				p.Y[i] = 77
			}
			for i := range p.U {
				p.U[i], p.V[i] = 100, 200
			}
			out := c.Process(p)
			for y := range out.Height {
				for _, v := range out.Y[y*out.YStride : y*out.YStride+out.Width] {
					if v != 77 {
						t.Fatalf("%+v %v: %d in a picture of 77", cfg, size, v)
					}
				}
			}
			out.Release()
		}
	}
}
