package main

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
)

// The picture that all send: a texture that moves on a circle, with noise as of a
// small sensor, so that no encoder is content with less than it may have. It ends
// where it begins, since players repeat it.
const (
	clipWidth, clipHeight = 640, 480
	clipFPS, clipFrames   = 30, 240
	clipNoise             = 4.0
)

// scene is what the picture shows before the noise.
type scene []float64

const (
	textureSide, textureCell = 1024, 16
)

func newScene(rng *rand.Rand) scene {
	const n = textureSide / textureCell
	grid := make([]float64, n*n)
	for i := range grid {
		grid[i] = 50 + 150*rng.Float64()
	}
	at := func(gx, gy int) float64 { return grid[gy%n*n+gx%n] } // repeats at its edges
	s := make(scene, textureSide*textureSide)
	for y := range textureSide {
		for x := range textureSide {
			gx, gy, fx, fy := x/textureCell, y/textureCell, float64(x%textureCell)/textureCell, float64(y%textureCell)/textureCell
			s[y*textureSide+x] = at(gx, gy)*(1-fx)*(1-fy) + at(gx+1, gy)*fx*(1-fy) + at(gx, gy+1)*(1-fx)*fy + at(gx+1, gy+1)*fx*fy + 6*rng.Float64()
		}
	}
	return s
}

// row is a line of a frame.
func (s scene) row(frame, y int) []float64 {
	angle := 2 * math.Pi * float64(frame) / clipFrames
	x, top := int(150+120*math.Cos(angle)), int(150+120*math.Sin(angle))
	at := (y+top)*textureSide + x
	return s[at : at+clipWidth]
}

// writeClip writes the scene with noise as YUV4MPEG2, and returns it.
func writeClip(path string) (scene, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintf(w, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420mpeg2\n", clipWidth, clipHeight, clipFPS)
	rng := rand.New(rand.NewPCG(1, 2))
	s := newScene(rng)
	noise := make([]float64, 1<<16)
	for i := range noise {
		noise[i] = rng.NormFloat64() * clipNoise
	}
	luma, chroma := make([]byte, clipWidth*clipHeight), make([]byte, clipWidth*clipHeight/4)
	for n := range clipFrames {
		for y := range clipHeight {
			start := rng.IntN(len(noise) - clipWidth)
			for x, v := range s.row(n, y) {
				luma[y*clipWidth+x] = uint8(min(max(v+noise[start+x]+0.5, 16), 235))
			}
		}
		fmt.Fprintln(w, "FRAME")
		_, _ = w.Write(luma)
		for plane := range 2 {
			for i := range chroma {
				chroma[i] = uint8(118 + plane*10 + i%(clipWidth/2)/20 + i/(clipWidth/2)/30)
			}
			_, _ = w.Write(chroma)
		}
	}
	if err := w.Flush(); err != nil { // has the first error of all writes
		return nil, err
	}
	return s, f.Close()
}

// psnr compares a luma plane with the frame of the scene that it is nearest to, in
// dB; a smaller picture is enlarged first.
func (s scene) psnr(luma []byte, width, height int) float64 {
	if width < 2 || height < 2 || len(luma) < width*height {
		return 0
	}
	at := func(x, y int) float64 {
		if width == clipWidth && height == clipHeight {
			return float64(luma[y*width+x])
		}
		fx, fy := (float64(x)+0.5)*float64(width)/clipWidth-0.5, (float64(y)+0.5)*float64(height)/clipHeight-0.5
		ix, iy := min(max(int(fx), 0), width-2), min(max(int(fy), 0), height-2)
		fx, fy = fx-float64(ix), fy-float64(iy)
		p := luma[iy*width+ix:]
		return float64(p[0])*(1-fx)*(1-fy) + float64(p[1])*fx*(1-fy) + float64(p[width])*(1-fx)*fy + float64(p[width+1])*fx*fy
	}
	mse := func(frame, step int) float64 {
		sum, n := 0.0, 0
		for y := 0; y < clipHeight; y += step {
			row := s.row(frame, y)
			for x := 0; x < clipWidth; x += step {
				d := row[x] - at(x, y)
				sum += d * d
				n++
			}
		}
		return sum / float64(n)
	}
	best := 0
	least := math.Inf(1)
	for frame := range clipFrames {
		if e := mse(frame, 8); e < least {
			best, least = frame, e
		}
	}
	return 10 * math.Log10(255*255/max(mse(best, 1), 1e-3))
}

// encodeClip codes it at a constant rate for those who only pass on what they get.
func encodeClip(clip, out string, bps int) error {
	rate := strconv.Itoa(bps)
	args := []string{"-v", "error", "-y", "-i", clip, "-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", strconv.Itoa(bps / 4), "-g", "60"}
	switch out[len(out)-4:] {
	case ".ivf":
		args = append(args, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-error-resilient", "1", "-lag-in-frames", "0")
	default:
		args = append(args, "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-threads", "1", "-profile:v", "baseline", "-f", "h264")
	}
	if b, err := exec.Command("ffmpeg", append(args, out)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ffmpeg: %w\n%s", err, b)
	}
	return nil
}
