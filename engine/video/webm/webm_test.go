package webm_test

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/engine/video/webm"
	"github.com/edgecam/edgecam/engine/voice/opus"
)

func tool(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("EDGECAM_CI") == "1" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return p
}

// record writes seconds of picture and sound and returns the file.
func record(t *testing.T, seconds int, o webm.Options) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.webm")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := webm.NewWriter(f, o)
	venc, err := vp8.NewEncoder(vp8.EncoderConfig{Width: 160, Height: 120, FrameRate: 30, BitrateBps: 200_000, Speed: vp8.MaxSpeed, KeyInterval: 60})
	if err != nil {
		t.Fatal(err)
	}
	defer venc.Close()
	aenc, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	pic := media.NewPicture(160, 120)
	var b media.Block
	n := 0
	for ms := 0; ms < seconds*1000; ms += 10 {
		if ms%30 == 0 {
			for i := range pic.Y {
				pic.Y[i] = byte(i/7 + ms/10)
			}
			v, err := venc.Encode(pic, vp8.FrameOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.WriteVideo(v.Data, time.Duration(ms)*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		for i := range b.Samples {
			b.Samples[i] = int16(8000 * math.Sin(2*math.Pi*1000*float64(n)/48000))
			n++
		}
		p, ok, err := aenc.Encode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			if err := w.WriteAudio(p.Data, time.Duration(ms-10)*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != w.Bytes() {
		t.Errorf("the file has %d bytes, %d were written (%v)", info.Size(), w.Bytes(), err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFFmpegReadsIt(t *testing.T) {
	probe, ffmpeg := tool(t, "ffprobe"), tool(t, "ffmpeg")
	path := record(t, 12, webm.Options{Audio: true})
	out, err := exec.Command(probe, "-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v\n%s", err, out)
	}
	var seen struct {
		Streams []struct {
			Codec   string `json:"codec_name"`
			Width   int
			Height  int
			Rate    string `json:"sample_rate"`
			Packets string `json:"nb_read_packets"`
		}
		Format struct {
			Name     string `json:"format_name"`
			Duration string
		}
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen.Streams) != 2 || seen.Streams[0].Codec != "vp8" || seen.Streams[0].Width != 160 || seen.Streams[0].Height != 120 || seen.Streams[0].Packets != "400" {
		t.Errorf("video: %+v", seen.Streams)
	} else if seen.Streams[1].Codec != "opus" || seen.Streams[1].Rate != "48000" || seen.Streams[1].Packets != "600" {
		t.Errorf("audio: %+v", seen.Streams[1])
	}
	if d, err := strconv.ParseFloat(seen.Format.Duration, 64); err != nil || d < 11.9 || d > 12.1 {
		t.Errorf("duration %s", seen.Format.Duration)
	}
	// Every frame decodes, without a word of complaint.
	out, err = exec.Command(ffmpeg, "-v", "warning", "-i", path, "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("ffmpeg: %v\n%s", err, out)
	}
	// Seeking uses the cues: the frame found is at the key frame at or before.
	out, err = exec.Command(probe, "-v", "error", "-read_intervals", "8%+#1", "-select_streams", "v", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", path).CombinedOutput()
	if line := strings.TrimSpace(string(out)); err != nil || !strings.HasPrefix(line, "7.2") || !strings.Contains(line, "K") {
		t.Errorf("seek to 8 s finds %q (%v)", line, err)
	}
}

func TestSoundAlone(t *testing.T) {
	probe := tool(t, "ffprobe")
	path := record(t, 7, webm.Options{Audio: true, NoVideo: true})
	out, err := exec.Command(probe, "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "opus" {
		t.Errorf("%s %v", out, err)
	}
}

// TestCutOff: what is in the file after a power cut can be played.
func TestCutOff(t *testing.T) {
	ffmpeg := tool(t, "ffmpeg")
	path := record(t, 12, webm.Options{Audio: true})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.webm")
	if err := os.WriteFile(cut, data[:len(data)*2/3], 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(ffmpeg, "-v", "fatal", "-i", cut, "-f", "null", "-").CombinedOutput()
	if err != nil {
		t.Errorf("ffmpeg: %v\n%s", err, out)
	}
}

type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func (f *failing) Seek(int64, int) (int64, error) { return 0, nil }

func TestErrorsStay(t *testing.T) {
	w := webm.NewWriter(&failing{left: 600}, webm.Options{})
	key := append([]byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0}, make([]byte, 500)...)
	var err error
	for i := range 10 {
		err = w.WriteVideo(key, time.Duration(i)*2*time.Second)
	}
	if !errors.Is(err, webm.ErrWriter) || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
	if err := w.Close(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Close: %v", err)
	}
}

func TestNothingBeforeAKeyFrame(t *testing.T) {
	f := &failing{}
	w := webm.NewWriter(f, webm.Options{Audio: true})
	if err := errors.Join(w.WriteVideo([]byte{1, 2, 3}, 0), w.WriteAudio([]byte{1}, 0), w.Close()); err != nil || w.Bytes() != 0 {
		t.Errorf("%v, %d bytes", err, w.Bytes())
	}
	if err := w.WriteVideo([]byte{0, 1, 2}, 0); !errors.Is(err, webm.ErrWriter) {
		t.Errorf("a broken key frame: %v", err)
	}
}
