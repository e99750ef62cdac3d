package neteq

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestExceeds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		e0, e1 := r.Int64N(1<<r.IntN(42)+1)+1, r.Int64N(1<<r.IntN(42)+1)+1
		want := r.Float64()*1.2 - .1
		c := int64(want * math.Sqrt(float64(e0)) * math.Sqrt(float64(e1)))
		exact := float64(c) / math.Sqrt(float64(e0)) / math.Sqrt(float64(e1))
		q := int32(r.IntN(17000))
		if math.Abs(exact-float64(q)/16384) < 1e-3 && max(e0, e1) > 1<<31 {
			continue // of so long numbers 31 bits are looked at
		}
		if min(e0, e1) < max(e0, e1)>>18 {
			continue
		}
		if got := exceeds(c, e0, e1, q); got != (exact > float64(q)/16384) && math.Abs(exact-float64(q)/16384) > 1e-9 {
			t.Fatalf("%d/√(%d·%d) is %.6f; exceeds %d/16384: %v", c, e0, e1, exact, q, got)
		}
	}
	for _, c := range [][3]int64{{0, 1, 1}, {-5, 9, 9}, {1, 0, 1}, {1, 1, 0}} {
		if exceeds(c[0], c[1], c[2], 0) {
			t.Errorf("%v exceeds 0", c)
		}
	}
}

// TestPitchFinder: the lag of a periodic signal is found to the sample, at every
// rate and whatever lies behind it.
func TestPitchFinder(t *testing.T) {
	for _, rate := range []int{8000, 16000, 24000, 32000, 48000} {
		for _, hz := range []float64{80, 120, 210, 330} {
			f := pitchFinder{rateHz: rate}
			for i := range f.coarse {
				f.coarse[i] = 32767 // left behind by another signal
			}
			period := int(math.Round(float64(rate) / hz))
			x := make([]int16, f.span())
			for i := range x {
				p := 2 * math.Pi * float64(i%period) / float64(period)
				x[i] = int16(8000*math.Sin(p) + 4000*math.Sin(2*p+1) + 2000*math.Sin(3*p+2))
			}
			lag, corr := f.find(x)
			if lag != period || corr < 16300 {
				t.Errorf("%d Hz, period %d: lag %d, correlation %d", rate, period, lag, corr)
			}
		}
	}
}

// TestPredictor: the prediction error of a resonance is small, and filtering it
// gives the signal back.
func TestPredictor(t *testing.T) {
	for _, order := range []int{5, 8, 10, 12, 16} {
		const n = 800
		x := make([]int16, n)
		r := rand.New(rand.NewPCG(3, 4))
		var a, b float64
		for i := range x {
			y := 1.8*math.Cos(.3)*a - .81*b + 300*(r.Float64()-.5)
			a, b = y, a
			x[i] = int16(y)
		}
		var p predictor
		var work [windowSamples]int16
		p.analyse(x[n-400:], order, work[:])
		for i, v := range work[:400] {
			fade := math.Sin(math.Pi * float64(min(i, 399-i)) / 400)
			if d := float64(v) - fade*float64(x[n-400+i]); math.Abs(d) > 2+math.Abs(float64(x[n-400+i]))/100 {
				t.Fatalf("order %d: sample %d under the window is %d of %d", order, i, v, x[n-400+i])
			}
		}
		e := make([]int16, 200)
		p.residual(e, x, n-200)
		if in, out := energy(x[n-200:]), energy(e); out*5 > in {
			t.Errorf("order %d: energy %d, of the error %d", order, in, out)
		}
		var s synthesis
		s.load(x[:n-200])
		s.run(&p, e)
		for i, v := range e {
			if d := int(v) - int(x[n-200+i]); d < -40 || d > 40 {
				t.Fatalf("order %d, sample %d: %d, was %d", order, i, v, x[n-200+i])
			}
		}
	}
}

// TestTargetDelay: the target is where the costs are least, by a plain sum over
// every delay that was entered.
func TestTargetDelay(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, packetTicks := range []int{1, 2, 3, 6} {
		var d delayTracker
		d.reset()
		hist := make([]float64, buckets)
		hist[0] = 1
		for i := range 3000 {
			delay := r.IntN(3) * tick
			if r.IntN(60) == 0 {
				delay = r.IntN(40) * tick
			}
			if i == 1000 {
				delay = 140 * tick
			}
			d.enter(int64(delay), int64(packetTicks)*tick)
			weight := 1 / float64(min(i+1, memoryPackets))
			for k := range hist {
				hist[k] -= hist[k] * weight
			}
			hist[delay/tick] += weight
			if i%10 != 0 || i < firstPackets {
				continue
			}
			cost := func(wait int) float64 {
				missed := 0.0
				for late := wait + 1; late < buckets; late++ {
					p := hist[late]
					missed += p * (lateWeight*float64(min(late-wait, packetTicks))/float64(packetTicks) + float64(late-wait)/holeTicks)
				}
				return float64(wait*tick) + missed*lossCost
			}
			least, at := math.Inf(1), 0
			for k := range buckets {
				if c := cost(k); c < least {
					least, at = c, k
				}
			}
			// It may be half a block dearer, or on its way down.
			if got := cost(d.targetTick); got > least+tick/2+50 && d.sinceFall >= fallPackets {
				t.Fatalf("packets of %d blocks, after %d: target %d costs %.0f, the best %.0f", packetTicks, i, d.targetTick, got, least)
			}
			if cost(d.targetTick) > least+50 && d.targetTick < at {
				t.Fatalf("packets of %d blocks, after %d: target %d, %d would be the best", packetTicks, i, d.targetTick, at)
			}
		}
		if d.top > buckets || d.targetTick < 2 {
			t.Errorf("packets of %d blocks: target %d", packetTicks, d.targetTick)
		}
	}
}
