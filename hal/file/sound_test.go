package file

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/haltest"
)

func TestSoundConformance(t *testing.T) {
	path := write(t, "a.wav", wavClip(16000, 1, 16, 1, 8000, 440))
	haltest.Sound(t, NewSoundDriver(SoundOptions{Paths: []string{path}}), Prefix+path)
}

// fit returns the amplitude of the sine of hz in x, and the RMS of the rest
// in dB below it.
func fit(x []float64, hz float64) (amplitude, restDB float64) {
	var re, im float64
	for i, v := range x {
		a := 2 * math.Pi * hz * float64(i) / media.EngineRateHz
		re += v * math.Cos(a) * 2 / float64(len(x))
		im += v * math.Sin(a) * 2 / float64(len(x))
	}
	rest := 0.0
	for i, v := range x {
		a := 2 * math.Pi * hz * float64(i) / media.EngineRateHz
		d := v - re*math.Cos(a) - im*math.Sin(a)
		rest += d * d
	}
	amplitude = math.Hypot(re, im)
	return amplitude, 20 * math.Log10(math.Sqrt(rest/float64(len(x)))/(amplitude/math.Sqrt2))
}

func TestResampling(t *testing.T) {
	for _, c := range []struct {
		rate, channels int
		hz             float64
	}{{48000, 1, 1000}, {48000, 2, 1000}, {44100, 1, 1000}, {44100, 2, 10000}, {8000, 1, 1000}, {8000, 1, 3400}, {16000, 1, 6000}, {96000, 2, 15000}, {22050, 1, 3000}, {47999, 1, 1000}} {
		path := write(t, "a.wav", wavClip(c.rate, c.channels, 16, 1, c.rate, c.hz))
		synctest.Test(t, func(t *testing.T) {
			m, err := NewSoundDriver(SoundOptions{}).OpenMicrophone(t.Context(), Prefix+path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = m.Close() }()
			var x []float64
			var b media.Block
			for range 60 {
				if err := m.Read(t.Context(), &b); err != nil {
					t.Fatal(err)
				}
				for _, v := range b.Samples {
					x = append(x, float64(v))
				}
			}
			amplitude, rest := fit(x[4800:], c.hz)
			if math.Abs(20*math.Log10(amplitude/8000)) > 0.1 || rest > -60 {
				t.Errorf("%d Hz, %d channels, sine of %g Hz: amplitude %.0f (want 8000), rest %.0f dB", c.rate, c.channels, c.hz, amplitude, rest)
			}
		})
	}
}

// TestAliases: what lies above the new band must not come back mirrored.
func TestAliases(t *testing.T) {
	path := write(t, "a.wav", wavClip(96000, 1, 16, 1, 96000, 30000))
	w, err := openWAV(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	r := newResampler(96000, 48000)
	var out [9600]int16
	if err := r.fill(out[:], w); err != nil {
		t.Fatal(err)
	}
	for i, v := range out[2000:] {
		if v > 4 || v < -4 { // 8000 less 66 dB
			t.Fatalf("sample %d of a sine above the band is %d", i, v)
		}
	}
}

func TestBadWAV(t *testing.T) {
	good := wavClip(8000, 1, 16, 1, 800, 400)
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"8 bits":    {wavClip(8000, 1, 8, 1, 80, 400), "8-bit"},
		"24 bits":   {wavClip(8000, 1, 24, 1, 80, 400), "24-bit"},
		"float":     {wavClip(8000, 1, 32, 3, 80, 400), "float"},
		"mu-law":    {wavClip(8000, 1, 8, 7, 80, 400), "format tag 7"},
		"6 ch":      {wavClip(8000, 6, 16, 1, 80, 400), "6 channels"},
		"rate 1":    {wavClip(1, 1, 16, 1, 80, 0.1), "rate of 1 Hz"},
		"no sample": {wavClip(8000, 1, 16, 1, 0, 400), "no sample"},
		"empty":     {nil, "empty"},
		"text":      {[]byte("hello, this is text"), "no WAV file"},
		"header":    {good[:30], "without samples"},
		"fmt cut":   {good[:40], "incomplete"},
	} {
		path := write(t, "a.wav", c.data)
		_, err := NewSoundDriver(SoundOptions{}).OpenMicrophone(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.says)
		}
	}
	// Every cut of a good file opens or fails, and plays if it opens.
	path := write(t, "a.wav", nil)
	for n := 0; n < len(good); n += 1 + n/60 {
		if err := os.WriteFile(path, good[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if w, err := openWAV(path); err == nil {
			if _, err := w.next(); err != nil {
				t.Errorf("cut to %d bytes: opens, but %v", n, err)
			}
			w.close()
		} else if n > 100 {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

func TestWAVShrinksWhilePlaying(t *testing.T) {
	path := write(t, "a.wav", wavClip(48000, 1, 16, 1, 96000, 400))
	w, err := openWAV(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for i := range 200000 {
		if i == 100 {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}
		if _, err = w.next(); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "changed") {
		t.Errorf("error %v", err)
	}
}

func TestNoSpeaker(t *testing.T) {
	if _, err := NewSoundDriver(SoundOptions{}).OpenSpeaker(t.Context(), "file:a.wav"); hal.KindOf(err) != hal.Unsupported {
		t.Errorf("error %v", err)
	}
}

func TestNoAllocationPerBlock(t *testing.T) {
	path := write(t, "a.wav", wavClip(44100, 2, 16, 1, 44100, 400))
	m, err := NewSoundDriver(SoundOptions{}).OpenMicrophone(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	var b media.Block
	ctx := context.Background()
	if n := testing.AllocsPerRun(20, func() {
		if err := m.Read(ctx, &b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per block", n)
	}
}
