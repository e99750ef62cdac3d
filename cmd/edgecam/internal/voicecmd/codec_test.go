package voicecmd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

// share returns the part of x's energy at hz.
func share(x []int16, hz, rate float64) float64 {
	var re, im, e float64
	for i, v := range x {
		s, c := math.Sincos(2 * math.Pi * hz / rate * float64(i))
		re += float64(v) * c
		im += float64(v) * s
		e += float64(v) * float64(v)
	}
	if e == 0 {
		return 0
	}
	return (re*re + im*im) * 2 / (e * float64(len(x)))
}

// Every codec brings a tone through, also with losses.
func TestCodecRoundTrip(t *testing.T) {
	for name, rate := range map[string]int{"ilbc20": 8000, "ilbc30": 8000, "opus": 48000, "g722": 16000, "pcmu": 8000, "pcma": 8000, "isac16": 16000} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			in, bin, out, loss := filepath.Join(dir, "in.wav"), filepath.Join(dir, "x.bin"), filepath.Join(dir, "out.wav"), filepath.Join(dir, "loss")
			pcm := make([]int16, 2*rate)
			for n := range pcm {
				pcm[n] = int16(9000 * math.Sin(2*math.Pi*300*float64(n)/float64(rate)))
			}
			if err := writeWAV(in, sound{rateHz: rate, samples: pcm}); err != nil {
				t.Fatal(err)
			}
			if err := Encode(EncodeOptions{Codec: name, In: in, Out: bin}, io.Discard); err != nil {
				t.Fatal(err)
			}
			marks := strings.Repeat("0000000001\n", 9)
			if name == "isac16" {
				marks = strings.Join(strings.Split(marks, ""), " ")
			}
			if err := os.WriteFile(loss, []byte(marks), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, o := range []DecodeOptions{{Codec: name, In: bin, Out: out}, {Codec: name, In: bin, Out: out, Loss: loss}} {
				var report bytes.Buffer
				if err := Decode(o, &report); err != nil {
					t.Fatal(err)
				}
				got, err := readWAV(out)
				if err != nil {
					t.Fatal(err)
				}
				if got.rateHz != rate || len(got.samples) < len(pcm)*9/10 || len(got.samples) > len(pcm)*11/10 {
					t.Errorf("%d samples at %d Hz, want about %d at %d", len(got.samples), got.rateHz, len(pcm), rate)
				}
				// The phase need not stay over a loss: look at 50 ms at a time.
				n, sum, count := rate/20, 0.0, 0.0
				for at := 2 * n; at+n <= len(got.samples)-n; at += n {
					sum += share(got.samples[at:at+n], 300, float64(rate))
					count++
				}
				if sum/count < 0.75 {
					t.Errorf("loss %q: the tone has only %.2f of the energy", o.Loss, sum/count)
				}
				if o.Loss != "" && strings.Contains(report.String(), " 0 concealed, 0 mended") {
					t.Errorf("nothing was concealed: %s", &report)
				}
			}
		})
	}
}

// The command gives the vectors' bits and samples.
func TestILBCVectors(t *testing.T) {
	dir := t.TempDir()
	read := func(name string) []byte {
		b, err := os.ReadFile(testdata.Shared(t, "vectors", "ilbc", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	raw := read("F01.INP")
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	in, bin, out := filepath.Join(dir, "in.wav"), filepath.Join(dir, "x.bin"), filepath.Join(dir, "out.wav")
	if err := writeWAV(in, sound{rateHz: 8000, samples: pcm}); err != nil {
		t.Fatal(err)
	}
	for name, ext := range map[string]string{"ilbc20": "20", "ilbc30": "30"} {
		if err := Encode(EncodeOptions{Codec: name, In: in, Out: bin}, io.Discard); err != nil {
			t.Fatal(err)
		}
		packets, err := packetsOf(bin)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Join(packets, nil); !bytes.Equal(got, read("F01.BIT"+ext)) {
			t.Errorf("%s: the packets are not those of the vector", name)
		}
		for want, o := range map[string]DecodeOptions{
			"F01.OUT" + ext:        {},
			"F01.noenh.OUT" + ext:  {NoEnhancer: true},
			"F01.loss10.OUT" + ext: {Loss: testdata.Shared(t, "vectors", "ilbc", "loss10.txt")},
		} {
			o.Codec, o.In, o.Out = name, bin, out
			if err := Decode(o, io.Discard); err != nil {
				t.Fatal(err)
			}
			wav, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(wav[44:], read(want)) {
				t.Errorf("%s: the samples are not those of %s", name, want)
			}
		}
	}
}

func TestCodecUsage(t *testing.T) {
	dir := t.TempDir()
	in, bin, out, bad := filepath.Join(dir, "in.wav"), filepath.Join(dir, "x.bin"), filepath.Join(dir, "out"), filepath.Join(dir, "bad")
	if err := writeWAV(in, sound{rateHz: 8000, samples: make([]int16, 800)}); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{bin: "\x00\x02ab\x00\x05abc", bad: "0102"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, o := range map[string]EncodeOptions{
		"codec":          {Codec: "mp3", In: in, Out: out},
		"no input":       {Codec: "pcmu", Out: out},
		"rate":           {Codec: "opus", In: in, Out: out},
		"fixed bit rate": {Codec: "pcmu", In: in, Out: out, BitrateBps: 9600},
		"bit rate":       {Codec: "opus", In: in, Out: out, BitrateBps: 1},
		"not a WAV":      {Codec: "pcmu", In: bin, Out: out},
	} {
		if err := Encode(o, io.Discard); !errors.Is(err, ErrUsage) {
			t.Errorf("encode, %s: %v, want ErrUsage", name, err)
		}
	}
	for name, o := range map[string]DecodeOptions{
		"codec":       {Codec: "mp3", In: bin, Out: out},
		"no output":   {Codec: "pcmu", In: bin},
		"cut off":     {Codec: "pcmu", In: bin, Out: out},
		"loss file":   {Codec: "pcmu", In: bin, Out: out, Loss: bad},
		"no enhancer": {Codec: "pcmu", In: bin, Out: out, NoEnhancer: true},
		"missing":     {Codec: "pcmu", In: filepath.Join(dir, "none"), Out: out},
	} {
		if err := Decode(o, io.Discard); !errors.Is(err, ErrUsage) {
			t.Errorf("decode, %s: %v, want ErrUsage", name, err)
		}
	}
}
