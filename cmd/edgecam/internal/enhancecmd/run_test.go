package enhancecmd

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/y4m"
)

// stream returns a y4m stream of n noisy pictures.
func stream(t *testing.T, n int, noise int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := y4m.NewWriter(&b, y4m.Header{Width: 320, Height: 240, RateNum: 25, RateDen: 1})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	p := media.NewPicture(320, 240)
	for range n {
		for i := range p.Y {
			p.Y[i] = byte(40 + i%320/2)
			if noise > 0 {
				p.Y[i] += byte(rng.IntN(noise) + rng.IntN(noise))
			}
		}
		for i := range p.U {
			p.U[i], p.V[i] = 120, 130
		}
		if err := w.WritePicture(p); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestRun(t *testing.T) {
	in := stream(t, 30, 12)
	var out bytes.Buffer
	res, err := Run(Options{Input: "-", Output: "-", Tone: "off"}, bytes.NewReader(in), &out)
	if err != nil {
		t.Fatal(err)
	}
	if res.Frames != 30 || res.Noise == nil || !res.Noise.Denoised || res.Noise.MeanSigmaY < 3.5 || res.Noise.MeanSigmaY > 6 {
		t.Errorf("%+v", res)
	}
	if _, ok := res.StepsMS["denoise"]; !ok || res.StepsMS["tone"] != 0 {
		t.Errorf("steps %v", res.StepsMS)
	}
	if out.Len() != len(in) || bytes.Equal(out.Bytes(), in) {
		t.Errorf("%d bytes from %d", out.Len(), len(in))
	}
	// Through files, everything off: the same bytes.
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.y4m"), filepath.Join(dir, "b.y4m")
	if err := os.WriteFile(a, in, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(Options{Input: a, Output: b, Denoise: "off", Tone: "off"}, nil, io.Discard); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(b); !bytes.Equal(got, in) {
		t.Error("all steps off: the output differs")
	}
}

func TestErrors(t *testing.T) {
	for _, o := range []Options{{Denoise: "very"}, {Denoise: "-1"}, {Denoise: "99"}, {Tone: "more"}, {RateLimit: 1000}} {
		o.Input, o.Output = "-", "-"
		if _, err := Run(o, bytes.NewReader(stream(t, 1, 0)), io.Discard); !errors.Is(err, ErrUsage) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	cut := stream(t, 2, 0)
	if _, err := Run(Options{Input: "-", Output: "-"}, bytes.NewReader(cut[:len(cut)-5]), io.Discard); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v", err)
	}
	if _, err := Run(Options{Input: filepath.Join(t.TempDir(), "none"), Output: "-"}, nil, io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
