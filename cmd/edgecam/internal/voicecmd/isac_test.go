package voicecmd

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestISACRoundTrip(t *testing.T) {
	for _, c := range []struct {
		codec, frame string
		rate         int
	}{{codecISAC16, "", 16000}, {codecISAC16, "60", 16000}, {codecISAC16, "adaptive", 16000}, {codecISAC32, "30", 32000}} {
		dir := t.TempDir()
		in, bin, out, loss := filepath.Join(dir, "in.wav"), filepath.Join(dir, "x.bin"), filepath.Join(dir, "out.wav"), filepath.Join(dir, "loss")
		pcm := make([]int16, c.rate)
		for n := range pcm {
			pcm[n] = int16(9000 * math.Sin(2*math.Pi*300*float64(n)/float64(c.rate)))
		}
		if err := writeWAV(in, sound{rateHz: c.rate, samples: pcm}); err != nil {
			t.Fatal(err)
		}
		if err := ISACEncode(ISACEncodeOptions{Codec: c.codec, In: in, Out: bin, FrameMs: c.frame}, &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(loss, []byte("0\n0\n0\n1\n0\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		if err := ISACDecode(ISACDecodeOptions{Codec: c.codec, In: bin, Out: out, Loss: loss, ExactMap: true}, &stderr); err != nil {
			t.Fatal(err)
		}
		got, err := readWAV(out)
		if err != nil {
			t.Fatal(err)
		}
		if got.rateHz != c.rate || len(got.samples) < len(pcm) || len(got.samples) > len(pcm)+c.rate*60/1000 {
			t.Errorf("%+v: %d samples at %d Hz from %d", c, len(got.samples), got.rateHz, len(pcm))
		}
		if !strings.HasSuffix(stderr.String(), " packets, 1 concealed\n") {
			t.Errorf("%+v: %q", c, stderr.String())
		}
		var energy float64
		for _, v := range got.samples[c.rate/2:] {
			energy += float64(v) * float64(v)
		}
		if rms := math.Sqrt(energy / float64(c.rate/2)); rms < 5000 || rms > 8000 {
			t.Errorf("%+v: level %.0f, the tone has 6364", c, rms)
		}
	}
}

func TestISACUsage(t *testing.T) {
	dir := t.TempDir()
	wav, bin := filepath.Join(dir, "in.wav"), filepath.Join(dir, "x.bin")
	if err := writeWAV(wav, sound{rateHz: 8000, samples: make([]int16, 800)}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bin, []byte{0xFF, 0xFF, 1}, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"codec":            ISACEncode(ISACEncodeOptions{Codec: "isac", In: wav, Out: bin}, &bytes.Buffer{}),
		"rate":             ISACEncode(ISACEncodeOptions{Codec: codecISAC16, In: wav, Out: bin}, &bytes.Buffer{}),
		"frame":            ISACEncode(ISACEncodeOptions{Codec: codecISAC16, In: wav, Out: bin, FrameMs: "20"}, &bytes.Buffer{}),
		"long":             ISACEncode(ISACEncodeOptions{Codec: codecISAC32, In: wav, Out: bin, FrameMs: "60"}, &bytes.Buffer{}),
		"bitrate":          ISACEncode(ISACEncodeOptions{Codec: codecISAC16, In: wav, Out: bin, BitrateBps: 64000}, &bytes.Buffer{}),
		"payload":          ISACDecode(ISACDecodeOptions{Codec: codecISAC16, In: bin, Out: wav}, &bytes.Buffer{}),
		"absent":           ISACDecode(ISACDecodeOptions{Codec: codecISAC16, In: bin + "x", Out: wav}, &bytes.Buffer{}),
		"frames elsewhere": Encode(EncodeOptions{Codec: "pcmu", In: wav, Out: bin, FrameMs: "60"}, &bytes.Buffer{}),
		"map elsewhere":    Encode(EncodeOptions{Codec: "pcmu", In: wav, Out: bin, PiecewiseMap: true}, &bytes.Buffer{}),
		"exact elsewhere":  Decode(DecodeOptions{Codec: codecISAC32, In: bin, Out: wav, ExactMap: true}, &bytes.Buffer{}),
		"no enhancer":      Decode(DecodeOptions{Codec: codecISAC16, In: bin, Out: wav, NoEnhancer: true}, &bytes.Buffer{}),
	} {
		if !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
