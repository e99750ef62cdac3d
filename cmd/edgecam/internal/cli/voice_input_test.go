package cli

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wav returns a WAV file's bytes: format 1 is PCM, 3 float.
func wav(format, channels, rateHz, bits int, data []byte) []byte {
	le := binary.LittleEndian
	b := append([]byte("RIFF"), le.AppendUint32(nil, uint32(36+len(data)))...)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, uint16(format))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rateHz))
	b = le.AppendUint32(b, uint32(rateHz*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(len(data)))
	return append(b, data...)
}

// TestVoiceInput gives every voice command every kind of bad file: each is told
// with the file's name, on standard error, with exit code 2, and no output is
// left behind.
func TestVoiceInput(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, data []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	tone := make([]byte, 0, 3202)
	for i := range 1601 { // an odd number of samples is no fault
		tone = binary.LittleEndian.AppendUint16(tone, uint16(int16(3000*math.Sin(float64(i)/5))))
	}
	good := put("good.wav", wav(1, 1, 16000, 16, tone))
	bad := map[string][]byte{
		"odd-bytes.wav":        wav(1, 1, 16000, 16, tone[:1601]),
		"stereo.wav":           wav(1, 2, 16000, 16, tone[:3200]),
		"zero-length.wav":      wav(1, 1, 16000, 16, nil),
		"eight-bit.wav":        wav(1, 1, 16000, 8, tone),
		"twenty-four-bit.wav":  wav(1, 1, 16000, 24, tone),
		"float.wav":            wav(3, 1, 16000, 32, tone[:3200]),
		"truncated-header.wav": wav(1, 1, 16000, 16, tone)[:30],
		"truncated-data.wav":   wav(1, 1, 16000, 16, tone)[:2000],
		"empty.wav":            nil,
		"rate-0.wav":           wav(1, 1, 0, 16, tone),
		"rate-huge.wav":        wav(1, 1, 3_000_000, 16, tone),
		"text.wav":             []byte("no sound at all, but some text that is long enough"),
	}
	out := filepath.Join(dir, "out", "result.wav")
	if err := os.Mkdir(filepath.Dir(out), 0o700); err != nil {
		t.Fatal(err)
	}
	commands := func(in string) [][]string {
		return [][]string{
			{"voice", "ns", in, out},
			{"voice", "agc", in, out},
			{"voice", "vad", in},
			{"voice", "aec", "--far", good, "--near", in, "--out", out},
			{"voice", "aec", "--far", in, "--near", good, "--out", out},
		}
	}
	for _, args := range commands(good) {
		if r := edgecam(t, Commands{}, args...); r.code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, r.code, r.err)
		}
	}
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	for name, data := range bad {
		in := put(name, data)
		for _, args := range commands(in) {
			r := edgecam(t, Commands{}, args...)
			if r.code != 2 || !strings.Contains(r.err, name) || r.out != "" {
				t.Errorf("%v: exit code %d, want 2 and a message that names the file: %q", args, r.code, r.err)
			}
			if _, err := os.Stat(out); err == nil {
				t.Fatalf("%v left an output file", args)
			}
		}
	}
	for _, args := range commands(good) {
		if r := edgecam(t, Commands{}, append(args, "--rate", "8000")...); r.code != 2 || !strings.Contains(r.err, "--rate 8000") {
			t.Errorf("%v at another rate: exit code %d: %q", args, r.code, r.err)
		}
	}
}
