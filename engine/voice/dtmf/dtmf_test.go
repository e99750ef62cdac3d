package dtmf

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte{11, 0x8a, 0x03, 0x20})
	want := Event{Code: 11, Ended: true, VolumeDBm0: -10, Duration: 800}
	if err != nil || got != want || got.Key() != '#' {
		t.Fatalf("%+v, %v, want %+v", got, err, want)
	}
	if b := got.Append(nil); !bytes.Equal(b, []byte{11, 0x8a, 0x03, 0x20}) {
		t.Errorf("written as % x", b)
	}
	for _, p := range [][]byte{nil, {1, 2, 3}, {1, 2, 3, 4, 5}} {
		if _, err := Parse(p); !errors.Is(err, ErrPacket) {
			t.Errorf("% x: %v", p, err)
		}
	}
}

// power is that of a frequency in x, relative to a full-scale sine.
func power(x []int16, hz, rateHz float64) float64 {
	var re, im float64
	for i, v := range x {
		a := 2 * math.Pi * hz * float64(i) / rateHz
		re += float64(v) * math.Cos(a)
		im += float64(v) * math.Sin(a)
	}
	n := float64(len(x)) * 32768 / 2
	return 10 * math.Log10((re*re+im*im)/(n*n))
}

// TestTones measures the frequencies and the level of every key.
func TestTones(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		x := make([]int16, rate/5)
		for code := range uint8(16) {
			var tone Tone
			tone.Start(Event{Code: code, VolumeDBm0: -10}, rate)
			tone.Generate(x, false)
			p := place[code]
			for _, hz := range []int{rowHz[p[0]], columnHz[p[1]]} {
				// -10 dBm0 in all: 3.14 + 10 + 3.01 dB below full scale each.
				if l := power(x, float64(hz), float64(rate)); math.Abs(l+16.15) > 0.4 {
					t.Errorf("%d Hz, key %c: %.1f dB at %d Hz, want -16.2", rate, keys[code], l, hz)
				}
			}
			if l := power(x, 1050, float64(rate)); l > -50 {
				t.Errorf("%d Hz, key %c: %.1f dB at 1050 Hz", rate, keys[code], l)
			}
			tone.Generate(x, true)
			if tone.Active() || x[len(x)-1] != 0 {
				t.Errorf("key %c goes on", keys[code])
			}
		}
	}
	var tone Tone
	tone.Start(Event{Code: 200}, 8000)
	if tone.Active() {
		t.Error("an event that is no key sounds")
	}
}

func TestKeys(t *testing.T) {
	// The corners of the keypad.
	for code, want := range map[uint8][2]int{1: {697, 1209}, 0: {941, 1336}, 12: {697, 1633}, 15: {941, 1633}, 10: {941, 1209}, 11: {941, 1477}} {
		if p := place[code]; rowHz[p[0]] != want[0] || columnHz[p[1]] != want[1] {
			t.Errorf("key %c is %d and %d Hz, want %v", keys[code], rowHz[p[0]], columnHz[p[1]], want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{1, 10, 0, 160})
	f.Fuzz(func(t *testing.T, p []byte) {
		e, err := Parse(p)
		if err != nil {
			return
		}
		again, err := Parse(e.Append(nil))
		if err != nil || again != e {
			t.Fatalf("%+v read again as %+v, %v", e, again, err)
		}
		var tone Tone
		tone.Start(e, 8000)
		tone.Generate(make([]int16, 80), e.Ended)
	})
}
