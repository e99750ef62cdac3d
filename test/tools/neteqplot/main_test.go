package main

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// TestPlot draws a timeline and looks for what must be in it.
func TestPlot(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "t.csv"), filepath.Join(dir, "t.png")
	csv := "time_ms,playout_delay_ms,target_delay_ms,concealed_samples,removed_samples,inserted_samples\n0,10,20,0,0,0\n5000,30,20,0,0,0\n10000,30,20,80,0,0\n"
	if err := os.WriteFile(in, []byte(csv), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(in, out, "wifi"); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil || m.Bounds().Dx() != width || m.Bounds().Dy() != height {
		t.Fatalf("%v, %v", m.Bounds(), err)
	}
	count := map[any]int{}
	for y := top; y < height; y++ {
		for x := range width {
			count[m.At(x, y)]++
		}
	}
	if count[blue] < 900 || count[orange] < 900 || count[red] < 10 {
		t.Errorf("%d dots of delay, %d of target, %d of concealment", count[blue], count[orange], count[red])
	}
	if err := os.WriteFile(in, []byte("head\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if run(in, out, "") == nil {
		t.Error("a line of two fields is taken")
	}
}
