package aec

import (
	"testing"

	"github.com/edgecam/edgecam/engine/fixed"
)

// TestModelIsDoubted gives the suppressor a filter that expects to leave 12 dB
// less than the echo and leaves 24 dB less wherever no near end is: it learns so
// beside a near end that talks, and forgets it when the filter is right after all.
func TestModelIsDoubted(t *testing.T) {
	fft, err := fixed.NewRealFFT(fftSize)
	if err != nil {
		t.Fatal(err)
	}
	s := newSuppressor(fft)
	s.model, s.expect = make([]int64, maxBins), 1<<20
	hear := func(hops int, left int64, near bool) {
		for range hops {
			for k := range s.errPower {
				s.echoPower[k], s.spread[k], s.model[k] = 1<<30, 1<<30, 1<<30/5
				s.errPower[k] = left
				if near && k >= bandEdge[3] && k < bandEdge[9] {
					s.errPower[k] = 1 << 31
				}
			}
			s.judge(true)
		}
	}
	hear(60, 1<<22, true)
	if s.doubt < doubtMost*9/10 {
		t.Errorf("a model that expects 12 dB too much is doubted by %d of at most %d", s.doubt, doubtMost)
	}
	hear(120, 1<<28, false)
	if s.doubt != 0 {
		t.Errorf("a model that expects too little is still doubted by %d", s.doubt)
	}
	hear(60, 1<<22, true)
	s.reset()
	if s.doubt != 0 {
		t.Errorf("after a new start the model is doubted by %d", s.doubt)
	}
}
