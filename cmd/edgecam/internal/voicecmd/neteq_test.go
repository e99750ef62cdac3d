package voicecmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeTrace(t *testing.T, packets int, arrival func(i int) float64) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("seq,ts_ms,arrival_ms\n")
	for i := range packets {
		fmt.Fprintf(&b, "%d,%d,%.2f\n", i, i*20, arrival(i))
	}
	p := filepath.Join(t.TempDir(), "trace.csv")
	if err := os.WriteFile(p, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestNetEQ plays noise through every codec with every tenth packet lost.
func TestNetEQ(t *testing.T) {
	trace := writeTrace(t, 150, func(i int) float64 {
		if i%10 == 9 {
			return -1
		}
		return float64(i*20) + 25
	})
	for name, rate := range map[string]int{"": 16000, codecL16: 48000, "pcmu": 8000, "pcma": 8000, "g722": 16000, "ilbc20": 8000, "opus": 48000} {
		dir := t.TempDir()
		o := NetEQOptions{
			Codec: name, Trace: trace, In: tempWAV(t, "in.wav", sound{rate, noise(3*rate, 5)}), RateHz: rate,
			Out: filepath.Join(dir, "out.wav"), Stats: filepath.Join(dir, "stats.json"), Timeline: filepath.Join(dir, "timeline.csv"),
		}
		if err := NetEQ(o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out, err := readWAV(o.Out)
		if err != nil || out.rateHz != rate || len(out.samples) != 3*rate {
			t.Fatalf("%s: %d samples at %d Hz, %v", name, len(out.samples), out.rateHz, err)
		}
		if l := level(out.samples[rate:2*rate]) - level(noise(rate, 5)); l < -4 || l > 3 {
			t.Errorf("%s: level changed by %.1f dB", name, l)
		}
		raw, err := os.ReadFile(o.Stats)
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			DelayMs, TargetMs, ConcealedPct float64
			Events                          int
		}
		if err := json.Unmarshal(raw, &s); err != nil || s.DelayMs <= 0 || s.TargetMs <= 0 || s.Events < 10 || s.Events > 20 || s.ConcealedPct < 5 || s.ConcealedPct > 16 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		lines, err := os.ReadFile(o.Timeline)
		if err != nil || strings.Count(string(lines), "\n") != 301 {
			t.Errorf("%s: timeline of %d lines, %v", name, strings.Count(string(lines), "\n"), err)
		}
	}
}

func TestNetEQErrors(t *testing.T) {
	trace := writeTrace(t, 10, func(i int) float64 { return float64(i * 20) })
	in := tempWAV(t, "in.wav", sound{16000, noise(3200, 1)})
	odd := tempWAV(t, "odd.wav", sound{22050, noise(3200, 1)})
	out := filepath.Join(t.TempDir(), "out.wav")
	bad := func(text string) string {
		p := filepath.Join(t.TempDir(), "bad.csv")
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, o := range map[string]NetEQOptions{
		"no trace":      {In: in, Out: out},
		"missing trace": {Trace: trace + "x", In: in, Out: out},
		"empty trace":   {Trace: bad("seq,ts_ms,arrival_ms\n"), In: in, Out: out},
		"short line":    {Trace: bad("1,2\n"), In: in, Out: out},
		"no number":     {Trace: bad("a,0,0\n"), In: in, Out: out},
		"no time":       {Trace: bad("1,0,NaN\n"), In: in, Out: out},
		"negative":      {Trace: bad("1,-5,0\n"), In: in, Out: out},
		"rate":          {Trace: trace, In: in, Out: out, RateHz: 8000},
		"odd rate":      {Trace: trace, In: odd, Out: out},
		"codec":         {Trace: trace, In: in, Out: out, Codec: "mp3"},
		"codec's rate":  {Trace: trace, In: in, Out: out, Codec: "pcmu"},
		"30 ms":         {Trace: trace, In: in, Out: out, Codec: "ilbc30"},
	} {
		if err := NetEQ(o); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzTraceLine(f *testing.F) {
	f.Add("0,0,19.05")
	f.Add("1,20,-1")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseTraceLine(text)
		if err == nil && (l.sent < 0 || l.sent > 1e9 || l.arrival > 1e9) {
			t.Fatalf("%q: %+v", text, l)
		}
	})
}
