package browser_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// toneHz is what the browser's fake microphone hears, in bursts, because the
// browser's noise suppression takes a steady tone for noise.
const toneHz = 1000

// TestPage drives the page of a node in development mode.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node and a browser")
	}
	tl := findTools(t)
	n := newNode(t, false)
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	tl.run(t, "page", map[string]any{"url": n.URL, "microphone": bursts(t), "toneHz": toneHz}, func(ask string) error {
		switch ask {
		case "stop":
			n.stop(t)
			return nil
		case "start":
			return n.start()
		}
		return fmt.Errorf("unknown request %q", ask)
	})
}

// TestAccess drives the sign-in of a node as it is delivered: HTTPS and an owner secret.
func TestAccess(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node and a browser")
	}
	tl := findTools(t)
	n := newNode(t, true)
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	tl.run(t, "access", map[string]any{"url": n.URL, "secret": n.ownerSecret(t), "microphone": bursts(t), "toneHz": toneHz}, func(ask string) error {
		return fmt.Errorf("unknown request %q", ask)
	})
}

// bursts writes a WAV file of tone bursts (0.4 s on, 0.2 s off, −9 dBFS, 48 kHz, mono).
func bursts(t *testing.T) string {
	t.Helper()
	const rateHz, seconds = 48000, 6
	const bytes = rateHz * seconds * 2
	b := make([]byte, 0, 44+bytes)
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, 36+bytes)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, 1) // channels
	b = le.AppendUint32(b, rateHz)
	b = le.AppendUint32(b, rateHz*2)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, bytes)
	for i := range rateHz * seconds {
		s := 0.0
		if float64(i%(rateHz*6/10)) < 0.4*rateHz {
			s = 0.355 * math.Sin(2*math.Pi*toneHz*float64(i)/rateHz)
		}
		b = le.AppendUint16(b, uint16(int16(math.Round(32767*s))))
	}
	path := filepath.Join(t.TempDir(), "bursts.wav")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
