package vp8

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/y4m"
)

// benchmarkClip is pictures in memory. EDGECAM_VP8_BENCH_Y4M names files, separated by
// commas; without it a drawn scene is used.
type benchmarkClip struct {
	name string
	fps  float64
	pics []*media.Picture
}

const benchmarkFrames = 60

func benchmarkClips(b *testing.B) []benchmarkClip {
	b.Helper()
	names := os.Getenv("EDGECAM_VP8_BENCH_Y4M")
	if names == "" {
		c := benchmarkClip{name: "drawn", fps: 30}
		s := newTestScene(5, 640, 480, 2)
		for range benchmarkFrames {
			pic := media.NewPicture(640, 480)
			s.next(pic)
			c.pics = append(c.pics, pic)
		}
		return []benchmarkClip{c}
	}
	var clips []benchmarkClip
	for name := range strings.SplitSeq(names, ",") {
		clips = append(clips, readBenchmarkClip(b, name))
	}
	return clips
}

func readBenchmarkClip(b *testing.B, name string) benchmarkClip {
	b.Helper()
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := y4m.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	h := r.Header()
	c := benchmarkClip{name: strings.TrimSuffix(filepath.Base(name), ".y4m"), fps: float64(h.RateNum) / float64(max(h.RateDen, 1))}
	for range benchmarkFrames {
		pic := media.NewPicture(h.Width, h.Height)
		if err := r.ReadPicture(pic); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			b.Fatal(err)
		}
		c.pics = append(c.pics, pic)
	}
	return c
}

// BenchmarkEncodeThreads codes the same pictures with one worker, with two, and
// with two encoders of one worker each beside each other, in
// turn. The least time of each frame over all rounds counts, so that other work
// on the machine falls out once there are enough rounds (-benchtime 20x); what
// remains are ratios. What two encoders that have nothing to do with each other
// gain is what the machine has to give: two virtual processors are often the two
// threads of one core.
func BenchmarkEncodeThreads(b *testing.B) {
	for _, c := range benchmarkClips(b) {
		b.Run(fmt.Sprintf("%s_%dx%d", c.name, c.pics[0].Width, c.pics[0].Height), func(b *testing.B) {
			n := len(c.pics)
			one, two, pair := make([]time.Duration, n), make([]time.Duration, n), make([]time.Duration, n)
			for b.Loop() {
				timeFrames(b, &c, 1, one)
				timeFrames(b, &c, 2, two)
				timePair(b, &c, pair)
			}
			us := func(least []time.Duration) float64 {
				sum := time.Duration(0)
				for _, d := range least {
					sum += d
				}
				return sum.Seconds() * 1e6 / float64(n)
			}
			b.ReportMetric(us(one), "µs/frame-1")
			b.ReportMetric(us(two), "µs/frame-2")
			b.ReportMetric(us(one)/us(two), "speed-of-2")
			b.ReportMetric(2*us(one)/us(pair), "speed-of-pair")
		})
	}
}

func newBenchmarkEncoder(b *testing.B, c *benchmarkClip, threads int) *Encoder {
	b.Helper()
	e, err := NewEncoder(EncoderConfig{
		Width: c.pics[0].Width, Height: c.pics[0].Height, FrameRate: c.fps, BitrateBps: 1_000_000, Speed: 5, Threads: threads,
	})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// timePair has two encoders code a clip, each frame at the same time, and keeps
// the least time that each frame ever took until both had done it.
func timePair(b *testing.B, c *benchmarkClip, least []time.Duration) {
	var begun, done atomic.Int32
	var ended sync.WaitGroup
	other := newBenchmarkEncoder(b, c, 1)
	defer other.Close()
	ended.Go(func() {
		for i, pic := range c.pics {
			for begun.Load() <= int32(i) {
				runtime.Gosched()
			}
			if _, err := other.Encode(pic, FrameOptions{}); err != nil {
				b.Error(err)
			}
			done.Add(1)
		}
	})
	defer ended.Wait()
	e := newBenchmarkEncoder(b, c, 1)
	defer e.Close()
	for i, pic := range c.pics {
		start := time.Now()
		begun.Add(1)
		if _, err := e.Encode(pic, FrameOptions{}); err != nil {
			b.Error(err)
		}
		for done.Load() <= int32(i) {
			runtime.Gosched()
		}
		if took := time.Since(start); least[i] == 0 || took < least[i] {
			least[i] = took
		}
	}
}

// timeFrames codes a clip and keeps the least time that each frame ever took.
func timeFrames(b *testing.B, c *benchmarkClip, threads int, least []time.Duration) {
	e := newBenchmarkEncoder(b, c, threads)
	defer e.Close()
	for i, pic := range c.pics {
		start := time.Now()
		if _, err := e.Encode(pic, FrameOptions{}); err != nil {
			b.Fatal(err)
		}
		if took := time.Since(start); least[i] == 0 || took < least[i] {
			least[i] = took
		}
	}
}
