package vp8cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/engine/video/y4m"
	"github.com/edgecam/edgecam/internal/testdata"
)

func writeClip(t *testing.T, w, h, frames int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "in.y4m")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	yw, err := y4m.NewWriter(f, y4m.Header{Width: w, Height: h, RateNum: 25, RateDen: 1, Chroma: "420jpeg"})
	if err != nil {
		t.Fatal(err)
	}
	p := media.NewPicture(w, h)
	for n := range frames {
		for y := range h {
			for x := range w {
				p.Y[y*p.YStride+x] = byte(40 + (x*3+y*2+5*n)%160)
			}
		}
		for i := range p.U {
			p.U[i], p.V[i] = byte(90+n), byte(160-n)
		}
		if err := yw.WritePicture(p); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

func TestEncodeThenDecode(t *testing.T) {
	in := writeClip(t, 95, 62, 12)
	out := filepath.Join(t.TempDir(), "out.ivf")
	res, err := Encode(EncodeOptions{Input: in, Output: out, BitrateKbps: 300, Width: 95, Height: 62, FPS: 25, Speed: vp8.SpeedAuto, Threads: 2}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.Frames != 12 || res.Drops != 0 || res.Bytes == 0 || res.PSNRY < 25 || res.PSNRY > 100 {
		t.Errorf("result %+v", res)
	}
	line, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"frames":12`, `"bytes":`, `"psnr_y":`, `"user_cpu_s":`, `"wall_s":`, `"drops":0`} {
		if !strings.Contains(string(line), key) {
			t.Errorf("JSON %s lacks %s", line, key)
		}
	}
	var pictures bytes.Buffer
	dec, err := Decode(DecodeOptions{Input: out, Output: "-", MD5: true}, nil, &pictures)
	if err != nil {
		t.Fatal(err)
	}
	if dec.Frames != 12 || dec.Corrupt != 0 {
		t.Errorf("result %+v", dec)
	}
	r, err := y4m.NewReader(&pictures)
	if err != nil {
		t.Fatal(err)
	}
	if h := r.Header(); h.Width != 95 || h.Height != 62 || h.RateNum != 25*h.RateDen {
		t.Errorf("decoded header %+v", h)
	}
	bin, err := exec.LookPath("vpxdec")
	if err != nil {
		testdata.Missing(t, "vpxdec is not installed (apt install vpx-tools)")
	}
	text, err := exec.Command(bin, "--i420", "--md5", out).CombinedOutput()
	if err != nil {
		t.Fatalf("vpxdec: %v: %s", err, text)
	}
	if got := strings.Fields(string(text))[0]; got != dec.MD5 {
		t.Errorf("vpxdec says %s, we %s", got, dec.MD5)
	}
}

func TestEncodeThroughPipes(t *testing.T) {
	clip, err := os.ReadFile(writeClip(t, 32, 32, 3))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	o := EncodeOptions{Input: "-", Output: "-", BitrateKbps: 100}
	if _, err := Encode(o, bytes.NewReader(clip), &out); err != nil {
		t.Fatal(err)
	}
	res, err := Decode(DecodeOptions{Input: "-", MD5: true}, &out, nil)
	if err != nil || res.Frames != 3 || len(res.MD5) != 32 {
		t.Fatalf("result %+v, error %v", res, err)
	}
	o.Frames = 2
	if res, err := Encode(o, bytes.NewReader(clip), &out); err != nil || res.Frames != 2 {
		t.Errorf("two of three frames: result %+v, error %v", res, err)
	}
	o.Frames = 0
	if _, err := Encode(o, bytes.NewReader(clip[:len(clip)-10]), &out); err == nil {
		t.Error("a clip cut short gave no error")
	}
}

func TestOptionsThatDoNotFit(t *testing.T) {
	in := writeClip(t, 32, 32, 1)
	out := filepath.Join(t.TempDir(), "o.ivf")
	if err := os.WriteFile(out, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if b, err := os.ReadFile(out); err != nil || string(b) != "older" {
			t.Errorf("a refused encoding changed its output to %q, error %v", b, err)
		}
	}()
	for name, o := range map[string]EncodeOptions{
		"size":    {Width: 64, BitrateKbps: 100},
		"fps":     {FPS: 30, BitrateKbps: 100},
		"denoise": {Denoise: "much", BitrateKbps: 100},
	} {
		o.Input, o.Output = in, out
		if _, err := Encode(o, nil, nil); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, o := range map[string]EncodeOptions{"rate": {}, "speed": {BitrateKbps: 100, Speed: 99}} {
		o.Input, o.Output = in, out
		if _, err := Encode(o, nil, nil); !errors.Is(err, vp8.ErrEncoderConfig) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Encode(EncodeOptions{Input: "missing.y4m", Output: out, BitrateKbps: 100}, nil, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing input: got %v", err)
	}
	if _, err := Decode(DecodeOptions{Input: in, MD5: true}, nil, nil); err == nil {
		t.Error("y4m decoded as IVF")
	}
}
