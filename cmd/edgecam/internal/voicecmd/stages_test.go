package voicecmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/engine/voice/agc"
	"github.com/edgecam/edgecam/engine/voice/ns"
)

// scene writes a WAV file: hiss, and from second 1 to 3 bursts of a buzz.
func scene(t *testing.T, rateHz, samples int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(rateHz)))
	s := sound{rateHz: rateHz, samples: make([]int16, samples)}
	for i := range s.samples {
		v := rng.NormFloat64() * 60
		at := float64(i) / float64(rateHz)
		if at >= 1 && at < 3 && math.Mod(at, 0.4) < 0.3 {
			for k := 1.0; k < 12; k++ {
				v += 2000 / k * math.Sin(2*math.Pi*150*k*at)
			}
		}
		s.samples[i] = int16(v)
	}
	path := filepath.Join(t.TempDir(), "in.wav")
	if err := writeWAV(path, s); err != nil {
		t.Fatal(err)
	}
	return path
}

func power(x []int16) float64 {
	s := 0.0
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return 10 * math.Log10(s/float64(len(x))/(1<<30)+1e-12)
}

// TestNSAnyRate: the result has the input's rate and length and is in step with
// it, the hiss is softer, the buzz is not.
func TestNSAnyRate(t *testing.T) {
	for _, rate := range []int{8000, 11025, 16000, 22050, 44100, 48000, 96000} {
		n := 4*rate + 7
		in := scene(t, rate, n)
		out := filepath.Join(t.TempDir(), "out.wav")
		var stats bytes.Buffer
		if err := NS(NSOptions{In: in, Out: out, RateHz: rate, Strength: "high", JSON: true}, &stats); err != nil {
			t.Fatal(err)
		}
		x, err := readWAV(in)
		if err != nil {
			t.Fatal(err)
		}
		y, err := readWAV(out)
		if err != nil {
			t.Fatal(err)
		}
		if y.rateHz != rate || len(y.samples) != n {
			t.Errorf("%d Hz, %d samples become %d Hz, %d samples", rate, n, y.rateHz, len(y.samples))
		}
		a, b := 35*rate/10, n
		if got := power(x.samples[a:b]) - power(y.samples[a:b]); got < 12 { // how deep it can get is tested in package ns
			t.Errorf("%d Hz: hiss comes down by %.1f dB only", rate, got)
		}
		if lag := bestLag(x.samples[rate:3*rate], y.samples[rate:3*rate], rate/1000); lag < -1 || lag > 1 {
			t.Errorf("%d Hz: the result is %d samples late", rate, lag)
		}
		var s ns.Stats
		if err := json.Unmarshal(stats.Bytes(), &s); err != nil || s.Frames < 400 {
			t.Errorf("%d Hz: statistics %q: %v", rate, &stats, err)
		}
	}
}

// bestLag returns by how many samples y comes after x, at most reach.
func bestLag(x, y []int16, reach int) int {
	best, at := math.Inf(-1), 0
	for lag := -reach; lag <= reach; lag++ {
		s := 0.0
		for i := reach; i < len(x)-reach; i++ {
			s += float64(x[i]) * float64(y[i+lag])
		}
		if s > best {
			best, at = s, lag
		}
	}
	return at
}

func TestAGC(t *testing.T) {
	in := scene(t, 44100, 4*44100)
	out := filepath.Join(t.TempDir(), "out.wav")
	var stats bytes.Buffer
	if err := AGC(AGCOptions{In: in, Out: out, JSON: true}, &stats); err != nil {
		t.Fatal(err)
	}
	var s agc.Stats
	if err := json.Unmarshal(stats.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if s.LevelDBFS+s.GainDB < -24 || s.LevelDBFS+s.GainDB > -20 || s.SpeechFrames == 0 {
		t.Errorf("statistics %+v, want a level of -22 dBFS behind the gain", s)
	}
	y, err := readWAV(out)
	if err != nil || len(y.samples) != 4*44100 {
		t.Errorf("%d samples: %v", len(y.samples), err)
	}
}

func TestVAD(t *testing.T) {
	for _, rate := range []int{8000, 22050, 48000} {
		var out bytes.Buffer
		if err := VAD(VADOptions{In: scene(t, rate, 4*rate+5)}, &out); err != nil {
			t.Fatal(err)
		}
		var res VADResult
		if err := json.Unmarshal(out.Bytes(), &res); err != nil {
			t.Fatal(err)
		}
		if len(res.Speech) != 401 || res.FrameMs != 10 || res.RateHz != rate {
			t.Fatalf("%d decisions of %d ms at %d Hz", len(res.Speech), res.FrameMs, res.RateHz)
		}
		for _, c := range []struct{ from, to, want int }{{10, 99, 0}, {106, 129, 1}, {240, 268, 1}, {330, 400, 0}} {
			for i := c.from; i < c.to; i++ {
				if res.Speech[i] != c.want {
					t.Errorf("%d Hz: frame %d is %d, want %d", rate, i, res.Speech[i], c.want)
					break
				}
			}
		}
	}
}

func TestStageErrors(t *testing.T) {
	in := scene(t, 16000, 16000)
	out := filepath.Join(t.TempDir(), "out.wav")
	var b bytes.Buffer
	for name, err := range map[string]error{
		"strength":   NS(NSOptions{In: in, Out: out, Strength: "extreme"}, &b),
		"rate":       NS(NSOptions{In: in, Out: out, RateHz: 8000}, &b),
		"no output":  NS(NSOptions{In: in}, &b),
		"no input":   AGC(AGCOptions{Out: out}, &b),
		"absent":     AGC(AGCOptions{In: in + "x", Out: out}, &b),
		"vad rate":   VAD(VADOptions{In: in, RateHz: 48000}, &b),
		"vad absent": VAD(VADOptions{In: in + "x"}, &b),
	} {
		if !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", name, err)
		} else if !strings.HasPrefix(err.Error(), "voice: ") {
			t.Errorf("%s: %q does not begin with the package's name", name, err)
		}
	}
	if b.Len() != 0 {
		t.Errorf("output in spite of errors: %q", &b)
	}
}
