package vp8

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/internal/testdata"
)

// lossChannel is a path that loses packets at random, in both directions, and
// delays the rest. It has no retransmission.
type lossChannel struct {
	loss   float64
	oneWay time.Duration
	mtu    int // bytes of a frame in one packet
}

// lossClip is a moving picture: next fills p with the next frame and reports
// whether there is one.
type lossClip struct {
	name          string
	width, height int
	fps           float64
	bps, frames   int
	open          func(t *testing.T) (next func(p *media.Picture) bool)
}

// lossResult is what a receiver saw.
type lossResult struct {
	psnr         float64 // mean over all frames of what was shown, in dB
	frozen, keys int     // frames not shown; key frames after the first
	bytes, mends int
}

// lossReport is a feedback packet: what the receiver knows of recent frames.
type lossReport struct {
	at    time.Duration
	fates []struct {
		id      uint64
		arrived bool
	}
	pli bool
}

// runLossChannel sends a clip over the channel. With byReference a
// ReferenceManager answers the reports; else every PLI brings a key frame. The
// first frame is never lost: a session repeats it until it has arrived.
func runLossChannel(t *testing.T, clip *lossClip, ch lossChannel, seed uint64, byReference bool) (r lossResult) {
	t.Helper()
	e, err := NewEncoder(EncoderConfig{Width: clip.width, Height: clip.height, FrameRate: clip.fps, BitrateBps: clip.bps, Speed: 6})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d := NewDecoder(DecoderOptions{})
	defer d.Close()
	refs := NewReferenceManager(1)
	// What is lost depends on the frame and the packet's number in it, so that
	// both ways of recovery meet the same channel.
	lose := func(frame, packet int) bool {
		return frame > 0 && rand.New(rand.NewPCG(seed<<32|uint64(frame), uint64(packet))).Float64() < ch.loss
	}
	next := clip.open(t)
	period := time.Duration(float64(time.Second) / clip.fps)
	pic, shown := media.NewPicture(clip.width, clip.height), media.NewPicture(clip.width, clip.height)

	var queue []lossReport
	var wantKey bool
	lastKey, lastPLI := -time.Hour, -time.Hour
	var slots [2]uint64 // the sender's: what each long-term reference holds
	var prevBase uint64 // the frame sent last
	// The receiver's: the last frame decoded, what its references hold, frames
	// whose fate is known, and the number of frames so known.
	var decoded uint64
	var held [2]uint64
	var fates []bool
	reported := 0
	sum := 0.0
	for i := range clip.frames {
		if !next(pic) {
			t.Fatalf("%s ends after %d frames", clip.name, i)
		}
		now := time.Duration(i) * period
		for len(queue) > 0 && queue[0].at <= now {
			rep := queue[0]
			queue = queue[1:]
			for _, f := range rep.fates {
				if f.arrived {
					refs.Arrived(f.id)
				} else {
					refs.Lost(f.id)
				}
			}
			if rep.pli && now-lastKey > 2*ch.oneWay+period {
				wantKey = true
			}
		}
		opt := FrameOptions{ForceKey: wantKey}
		if byReference {
			opt = refs.Options()
		}
		f, err := e.Encode(pic, opt)
		if err != nil {
			t.Fatal(err)
		}
		id, info := uint64(i+1), e.LastFrame()
		refs.Sent(id, f, info)
		r.bytes += len(f.Data)
		base := prevBase
		switch {
		case f.Key:
			slots, lastKey, wantKey = [2]uint64{id, id}, now, false
			r.keys++
		case info.PredictedFrom != ReferenceNone:
			base = slots[info.PredictedFrom-1]
			r.mends++
		}
		if info.Stored != ReferenceNone {
			slots[info.Stored-1] = id
		}
		prevBase = id

		// The channel. A frame whose last packet is lost is missed only when
		// the next one comes.
		arrived, last := true, true
		for k := range (len(f.Data) + ch.mtu - 1) / ch.mtu {
			if last = !lose(i, k); !last {
				arrived = false
			}
		}
		fates = append(fates, arrived)
		canDecode := arrived && (f.Key || decoded == base)
		if arrived && info.PredictedFrom != ReferenceNone {
			canDecode = held[info.PredictedFrom-1] == base
		}
		if canDecode {
			p, err := d.Decode(f.Data)
			if err != nil {
				t.Fatalf("frame %d: %v", i, err)
			}
			if encPictureSum(p) != encPictureSum(e.Reconstruction()) {
				t.Fatalf("frame %d, predicted from %d: the receiver's picture differs from the reconstruction", id, base)
			}
			copyLossPicture(shown, p)
			decoded = id
			switch {
			case f.Key:
				held = [2]uint64{id, id}
			default:
				if from := info.PredictedFrom; from != ReferenceNone && info.Stored == ReferenceNone {
					held = [2]uint64{base, base}
				}
				if info.Stored != ReferenceNone {
					held[info.Stored-1] = id
				}
			}
		} else {
			r.frozen++
		}
		sum += encPSNR(shown, pic)
		if known := i + 1 - b2i(!last); known > 0 && (last || known > reported) {
			rep := lossReport{at: now + 2*ch.oneWay}
			for k := max(0, known-8); k < known; k++ {
				rep.fates = append(rep.fates, struct {
					id      uint64
					arrived bool
				}{uint64(k + 1), fates[k]})
			}
			if !canDecode && now-lastPLI >= 2*ch.oneWay {
				rep.pli, lastPLI = true, now
			}
			reported = known
			if !lose(i, 1<<20) {
				queue = append(queue, rep)
			}
		}
	}
	r.keys-- // the first
	r.psnr = sum / float64(clip.frames)
	return r
}

func copyLossPicture(dst, src *media.Picture) {
	for y := range dst.Height {
		copy(dst.Y[y*dst.YStride:][:dst.Width], src.Y[y*src.YStride:])
	}
}

// TestRecoveryByReference sends 10 s of video through a channel that loses 5 % of
// all packets, at a round trip of 100 ms. With acknowledged references no key
// frame may be needed behind the first, and the picture at the receiver must be
// better than with PLI and key frames, for no more bits.
// EDGECAM_VP8_LOSS_CLIPS=1 takes recorded clips beside the drawn ones.
func TestRecoveryByReference(t *testing.T) {
	ch := lossChannel{loss: 0.05, oneWay: 50 * time.Millisecond, mtu: 1160}
	seeds := uint64(2)
	if testing.Short() {
		seeds = 1
	}
	for _, clip := range lossClips(t) {
		t.Run(clip.name, func(t *testing.T) {
			gain := 0.0
			for seed := range seeds {
				ref := runLossChannel(t, &clip, ch, seed, true)
				pli := runLossChannel(t, &clip, ch, seed, false)
				line := func(r *lossResult) string {
					return fmt.Sprintf("%.2f dB, %d of %d frames frozen, %d key frames, %d mended, %.0f kbit/s",
						r.psnr, r.frozen, clip.frames, r.keys, r.mends, float64(r.bytes*8)*clip.fps/float64(clip.frames)/1000)
				}
				t.Logf("seed %d: references: %s; PLI and key frames: %s", seed, line(&ref), line(&pli))
				if ref.keys != 0 {
					t.Errorf("seed %d: %d key frames after the first", seed, ref.keys)
				}
				if ref.mends < 3 || pli.keys < 3 {
					t.Errorf("seed %d: %d frames mended and %d key frames: the channel did not lose enough to test anything", seed, ref.mends, pli.keys)
				}
				gain += (ref.psnr - pli.psnr) / float64(seeds)
				if ref.bytes > pli.bytes+pli.bytes/50 {
					t.Errorf("seed %d: %d bytes with references, %d with PLI and key frames", seed, ref.bytes, pli.bytes)
				}
			}
			t.Logf("references gain %.2f dB", gain)
			if gain <= 0 {
				t.Errorf("references lose %.2f dB against PLI and key frames", -gain)
			}
		})
	}
}

func lossClips(t *testing.T) []lossClip {
	t.Helper()
	drawn := func(seed uint64, w, h, noise int) func(*testing.T) func(*media.Picture) bool {
		return func(*testing.T) func(*media.Picture) bool {
			s := newTestScene(seed, w, h, noise)
			return func(p *media.Picture) bool { s.next(p); return true }
		}
	}
	clips := []lossClip{
		{"drawn", 256, 192, 25, 400_000, 250, drawn(21, 256, 192, 0)},
		{"drawn_noise", 320, 240, 25, 600_000, 250, drawn(22, 320, 240, 3)},
	}
	if os.Getenv("EDGECAM_VP8_LOSS_CLIPS") == "" {
		return clips
	}
	return append(clips,
		recordedLossClip(t, "o1_sign_640x480.mp4", 640, 480, 30, 600_000, 217),
		recordedLossClip(t, "o2_foreman_352x288.mp4", 352, 288, 30, 450_000, 300),
		recordedLossClip(t, "o5_traffic_1280x720.mp4", 1280, 720, 25, 1_600_000, 200),
		recordedLossClip(t, "o7_door_clean_640x480.mp4", 640, 480, 25, 600_000, 200),
		recordedLossClip(t, "o4_vtest_768x576.mp4", 768, 576, 10, 600_000, 200))
}

// recordedLossClip plays a clip forth and back until there are 10 s of it.
func recordedLossClip(t *testing.T, file string, w, h int, fps float64, bps, frames int) lossClip {
	t.Helper()
	path := testdata.Shared(t, "clips", "open", file)
	name, _, _ := strings.Cut(file, ".")
	want := int(10 * fps)
	return lossClip{name, w, h, fps, bps, want, func(t *testing.T) func(*media.Picture) bool {
		out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-frames:v", fmt.Sprint(min(frames, want)), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-").Output()
		if err != nil {
			testdata.Missing(t, "ffmpeg cannot read the clip: %v", err)
		}
		size := w * h * 3 / 2
		n, i, step := len(out)/size, 0, 1
		return func(p *media.Picture) bool {
			r := bytes.NewReader(out[i*size : (i+1)*size])
			for _, plane := range [][]byte{p.Y[:w*h], p.U[:w*h/4], p.V[:w*h/4]} {
				if _, err := io.ReadFull(r, plane); err != nil {
					return false
				}
			}
			if i+step < 0 || i+step >= n {
				step = -step
			}
			i += step
			return true
		}
	}}
}
