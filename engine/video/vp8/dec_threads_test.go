package vp8

import (
	"runtime"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/testdata"
)

// TestCloseEndsGoroutines counts goroutines before and after.
func TestCloseEndsGoroutines(t *testing.T) {
	frames := readFrames(t, testdata.Shared(t, "vectors", "vp8", "vp80-00-comprehensive-001.ivf"))
	before := runtime.NumGoroutine()
	for range 100 { // what an earlier test has left may still be ending
		time.Sleep(time.Millisecond)
		before = min(before, runtime.NumGoroutine())
	}
	for threads := range 6 {
		d := NewDecoder(DecoderOptions{Threads: threads})
		for _, data := range frames[:3] {
			if _, err := d.Decode(data); err != nil {
				t.Fatal(err)
			}
		}
		if n := runtime.NumGoroutine() - before; n != max(0, min(threads, maxDecoderThreads)-1) {
			t.Errorf("%d threads: %d goroutines beside the caller's", threads, n)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines left behind", runtime.NumGoroutine()-before)
}

// TestPipelineOrder drives the pipeline's bookkeeping through every order that
// a scheduler could choose and checks each stage's conditions.
func TestPipelineOrder(t *testing.T) {
	for _, rows := range []int{1, 2, 3, 17, 45} {
		p := &rowPipeline{}
		p.wake.L = &p.mu
		p.resize(4, rows)
		p.rows = rows
		type job struct {
			s        stage
			from, to int
		}
		var open []job
		seed := uint32(rows)
		for p.completed < rows {
			for {
				s, from, to := p.take()
				if s == stageNone {
					break
				}
				open = append(open, job{s, from, to})
			}
			if len(open) == 0 {
				t.Fatalf("%d rows: stuck at %d parsed, %d reconstructed, %d completed", rows, p.parsed, p.reconstructed, p.completed)
			}
			if len(open) > maxDecoderThreads {
				t.Fatalf("%d stages at once", len(open))
			}
			seed = seed*1664525 + 1013904223
			i := int(seed>>16) % len(open)
			j := open[i]
			open = append(open[:i], open[i+1:]...)
			switch {
			case j.from >= j.to || j.to > rows:
				t.Fatalf("empty or impossible job %+v", j)
			case j.s == stageReconstruct && j.to > p.parsed:
				t.Fatalf("rows %d to %d reconstructed, but only %d parsed", j.from, j.to, p.parsed)
			case j.s == stageParse && j.to > p.reconstructed+len(p.residues) && j.to > j.from+len(p.residues):
				t.Fatalf("rows up to %d parsed over residue in use", j.to)
			case j.s == stageComplete && j.to < rows && j.to >= p.reconstructed:
				t.Fatalf("row %d filtered, but only %d reconstructed", j.to-1, p.reconstructed)
			}
			p.done(j.s, j.to)
		}
		if p.parsed != rows || p.reconstructed != rows || p.completed != rows || len(open) != 0 {
			t.Fatalf("%d rows: ended with %+v open", rows, open)
		}
	}
}
