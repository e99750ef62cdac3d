package vp8

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
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

// BenchmarkEncodeThreads codes the same pictures with one worker and with two, in
// turn. The least time of each frame over all rounds counts, so that other work
// on the machine falls out once there are enough rounds (-benchtime 20x); what
// remains is the ratio of the two.
func BenchmarkEncodeThreads(b *testing.B) {
	for _, c := range benchmarkClips(b) {
		b.Run(fmt.Sprintf("%s_%dx%d", c.name, c.pics[0].Width, c.pics[0].Height), func(b *testing.B) {
			least := [2][]time.Duration{make([]time.Duration, len(c.pics)), make([]time.Duration, len(c.pics))}
			for b.Loop() {
				for threads := 1; threads <= 2; threads++ {
					timeFrames(b, &c, threads, least[threads-1])
				}
			}
			var sum [2]time.Duration
			for i := range least[0] {
				sum[0] += least[0][i]
				sum[1] += least[1][i]
			}
			n := float64(len(c.pics))
			b.ReportMetric(sum[0].Seconds()*1e6/n, "µs/frame-1")
			b.ReportMetric(sum[1].Seconds()*1e6/n, "µs/frame-2")
			b.ReportMetric(sum[0].Seconds()/sum[1].Seconds(), "speed-of-2")
		})
	}
}

// timeFrames codes a clip and keeps the least time that each frame ever took.
func timeFrames(b *testing.B, c *benchmarkClip, threads int, least []time.Duration) {
	e, err := NewEncoder(EncoderConfig{
		Width: c.pics[0].Width, Height: c.pics[0].Height, FrameRate: c.fps, BitrateBps: 1_000_000, Speed: 5, Threads: threads,
	})
	if err != nil {
		b.Fatal(err)
	}
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
