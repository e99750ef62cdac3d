package voicecmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func tempWAV(t *testing.T, name string, s sound) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := writeWAV(p, s); err != nil {
		t.Fatal(err)
	}
	return p
}

func noise(n int, seed uint64) []int16 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]int16, n)
	for i := range x {
		x[i] = int16(r.NormFloat64() * 2000)
	}
	return x
}

func TestWAVRoundTrip(t *testing.T) {
	want := sound{rateHz: 44100, samples: []int16{0, 1, -1, 32767, -32768, 5}}
	got, err := readWAV(tempWAV(t, "x.wav", want))
	if err != nil {
		t.Fatal(err)
	}
	if got.rateHz != want.rateHz || len(got.samples) != len(want.samples) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for i, v := range want.samples {
		if got.samples[i] != v {
			t.Fatalf("sample %d is %d, want %d", i, got.samples[i], v)
		}
	}
}

func TestWAVErrors(t *testing.T) {
	var b bytes.Buffer
	if err := encodeWAV(&b, sound{rateHz: 16000, samples: noise(100, 1)}); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	edit := func(at int, v ...byte) []byte {
		x := bytes.Clone(good)
		copy(x[at:], v)
		return x
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":            {nil, "shorter than a WAV header"},
		"truncated header": {good[:30], "ends within its fmt chunk"},
		"no data chunk":    {good[:36], "ends before the data chunk"},
		"truncated data":   {good[:100], "144 bytes are missing"},
		"odd bytes":        {edit(40, 199), "not a multiple of 2"},
		"no samples":       {edit(40, 0), "no samples"},
		"eight bits":       {edit(34, 8), "8-bit"},
		"float":            {edit(20, 3), "format 3"},
		"stereo":           {edit(22, 2), "2 channels"},
		"rate":             {edit(24, 1, 0), "rate of 1 Hz"},
		"not RIFF":         {edit(0, 'X'), "not a RIFF/WAVE file"},
		"short fmt":        {edit(16, 8), "fmt chunk has 8 bytes"},
		"data first":       {append(bytes.Clone(good[:12]), good[36:]...), "before its fmt chunk"},
		"endless chunk":    {edit(12, 'j', 'u', 'n', 'k', 255, 255, 255, 255), "ends within chunk"},
	} {
		p := filepath.Join(t.TempDir(), "bad.wav")
		if err := os.WriteFile(p, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readWAV(p)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.wav") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := readWAV(filepath.Join(t.TempDir(), "none.wav")); !errors.Is(err, ErrUsage) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// TestAEC cancels a delayed copy of noise in files that end at other times.
func TestAEC(t *testing.T) {
	for _, rate := range []int{16000, 22050} {
		far := sound{rateHz: rate, samples: noise(3*rate, 2)}
		near := sound{rateHz: rate, samples: make([]int16, 3*rate+77)}
		for i := rate / 20; i < 3*rate; i++ {
			near.samples[i] = far.samples[i-rate/20] / 2
		}
		out := filepath.Join(t.TempDir(), "out.wav")
		var stderr bytes.Buffer
		o := AECOptions{Far: tempWAV(t, "far.wav", far), Near: tempWAV(t, "near.wav", near), Out: out, RateHz: rate, JSON: true}
		if err := AEC(o, &stderr); err != nil {
			t.Fatal(err)
		}
		got, err := readWAV(out)
		if err != nil {
			t.Fatal(err)
		}
		if got.rateHz != rate || len(got.samples) != len(near.samples) {
			t.Fatalf("%d samples at %d Hz, want %d at %d", len(got.samples), got.rateHz, len(near.samples), rate)
		}
		if erle := level(near.samples[2*rate:]) - level(got.samples[2*rate:]); erle < 15 {
			t.Errorf("rate %d: ERLE %.1f dB in the third second, want 15", rate, erle)
		}
		var stats map[string]any
		if err := json.Unmarshal(stderr.Bytes(), &stats); err != nil || stats["frames"] == 0.0 {
			t.Errorf("statistics %q: %v", stderr.String(), err)
		}
	}
}

func level(x []int16) float64 {
	s := 1e-9
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return 10 * math.Log10(s/float64(len(x)))
}

func TestAECErrors(t *testing.T) {
	a := tempWAV(t, "a.wav", sound{16000, noise(1600, 1)})
	b := tempWAV(t, "b.wav", sound{48000, noise(4800, 1)})
	out := filepath.Join(t.TempDir(), "out.wav")
	for name, o := range map[string]AECOptions{
		"no far":      {Near: a, Out: out},
		"other rates": {Far: a, Near: b, Out: out},
		"wrong rate":  {Far: a, Near: a, Out: out, RateHz: 8000},
		"tail":        {Far: a, Near: a, Out: out, Tail: time.Second},
		"missing":     {Far: a + "x", Near: a, Out: out},
	} {
		if err := AEC(o, nil); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
