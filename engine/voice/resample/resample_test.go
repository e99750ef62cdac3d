package resample

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func tone(n, rate int, hz, amp float64) []int16 {
	x := make([]int16, n)
	for i := range x {
		x[i] = int16(math.Round(amp * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return x
}

func convert(t testing.TB, in, out int, x []int16) []int16 {
	r, err := New(in, out)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]int16, r.MaxOutput(len(x))+r.MaxOutput(137))
	n := 0
	for len(x) > 0 { // in uneven pieces
		k := min(len(x), 137)
		n += r.Process(y[n:n+r.MaxOutput(k)], x[:k])
		x = x[k:]
	}
	return y[:n]
}

// level fits a sine of hz and returns its amplitude and the power of the rest.
func level(x []int16, rate int, hz float64) (amp, rest float64) {
	var xc, xs, cc, ss, cs, p float64
	for i, v := range x {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / float64(rate))
		xc, xs = xc+float64(v)*cos, xs+float64(v)*sin
		cc, ss, cs = cc+cos*cos, ss+sin*sin, cs+cos*sin
	}
	det := cc*ss - cs*cs
	c, s := (xc*ss-xs*cs)/det, (xs*cc-xc*cs)/det
	for i, v := range x {
		w := 2 * math.Pi * hz * float64(i) / float64(rate)
		d := float64(v) - c*math.Cos(w) - s*math.Sin(w)
		p += d * d
	}
	return math.Hypot(c, s), p / float64(len(x))
}

var cardRates = []int{8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000}

// TestResponse states pass and stop band for every card rate.
func TestResponse(t *testing.T) {
	engine := []int{8000, 16000, 32000, 48000}
	pairs := [][2]int{{44056, 48000}} // a ratio with too many phases for a table
	for _, c := range cardRates {
		for _, e := range engine {
			pairs = append(pairs, [2]int{c, e}, [2]int{e, c})
		}
	}
	for _, p := range pairs {
		in, out := p[0], p[1]
		if in == out || testing.Short() && (in > 48000 || out > 48000 || in%1000 == out%1000) {
			continue
		}
		t.Run(fmt.Sprintf("%d-%d", in, out), func(t *testing.T) {
			nyquist := float64(min(in, out)) / 2
			for _, f := range []float64{0.02, 0.3, 0.6, 0.85} {
				y := convert(t, in, out, tone(in/4, in, f*nyquist, 20000))
				y = y[len(y)/4 : len(y)*3/4]
				amp, rest := level(y, out, f*nyquist)
				if db := 20 * math.Log10(amp/20000); math.Abs(db) > 0.05 {
					t.Errorf("%.2f N passes at %+.3f dB", f, db)
				}
				// Rounding alone has a power of 1/12 each at input and output.
				if db := 10 * math.Log10(rest/2e8); db > -78 {
					t.Errorf("%.2f N: images and noise at %.1f dB", f, db)
				}
			}
			if in < out {
				return
			}
			for _, f := range []float64{1.0, 1.04, 1.2, 1.6, 1.9} {
				if f*nyquist > float64(in)/2*0.99 {
					continue
				}
				y := convert(t, in, out, tone(in/4, in, f*nyquist, 30000))
				y = y[len(y)/4 : len(y)*3/4]
				var p float64
				for _, v := range y {
					p += float64(v) * float64(v)
				}
				if db := 10 * math.Log10(p/float64(len(y))/4.5e8+1e-20); db > -78 {
					t.Errorf("%.2f N comes through at %.1f dB", f, db)
				}
			}
		})
	}
}

func TestLengthAndDelay(t *testing.T) {
	for _, in := range cardRates {
		for _, out := range []int{8000, 16000, 48000} {
			x := make([]int16, in/10)
			x[len(x)/2] = 30000
			y := convert(t, in, out, x)
			if want := (len(x)*out + in - 1) / in; len(y) != want {
				t.Errorf("%d to %d Hz: %d samples give %d, want %d", in, out, len(x), len(y), want)
			}
			r, err := New(in, out)
			if err != nil {
				t.Fatal(err)
			}
			peak := 0
			for i, v := range y {
				if v > y[peak] {
					peak = i
				}
			}
			if want := len(x)/2*out/in + r.Delay(); peak < want-1 || peak > want+1 {
				t.Errorf("%d to %d Hz: the pulse comes at %d, Delay says %d", in, out, peak, want)
			}
		}
	}
}

func TestSilenceAndDC(t *testing.T) {
	for _, v := range convert(t, 44100, 48000, make([]int16, 4410)) {
		if v != 0 {
			t.Fatal("silence does not stay silent")
		}
	}
	x := make([]int16, 4410)
	for i := range x {
		x[i] = -32768
	}
	y := convert(t, 44100, 16000, x)
	for _, v := range y[len(y)/2:] {
		if v != -32768 {
			t.Fatalf("full-scale DC becomes %d", v)
		}
	}
}

// TestNoWrap feeds what makes a filter overshoot most: full-scale noise of two
// values. A sample that wraps would jump by a full scale against its neighbours
// in a signal that a low-pass has smoothed.
func TestNoWrap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]int16, 16000)
	v := int16(32767)
	for i := range x {
		if i%24 == 0 && rng.IntN(2) == 0 {
			v = -v
		}
		x[i] = v
	}
	y := convert(t, 16000, 48000, x)
	for i := 1; i < len(y); i++ {
		if d := int(y[i]) - int(y[i-1]); d > 40000 || d < -40000 {
			t.Fatalf("jump of %d at %d", d, i)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, p := range [][2]int{{0, 48000}, {48000, 0}, {48000, -1}, {200000, 48000}, {3999, 8000}} {
		if _, err := New(p[0], p[1]); !errors.Is(err, ErrRate) {
			t.Errorf("New(%d, %d): %v", p[0], p[1], err)
		}
	}
	for _, p := range [][2]int{{0, 80}, {16000, 0}, {16000, 401}} {
		if _, err := NewHighPass(p[0], p[1]); !errors.Is(err, ErrRate) {
			t.Errorf("NewHighPass(%d, %d): %v", p[0], p[1], err)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	r, err := New(44100, 48000)
	if err != nil {
		t.Fatal(err)
	}
	src, dst := make([]int16, 441), make([]int16, r.MaxOutput(441))
	if n := testing.AllocsPerRun(100, func() { r.Process(dst, src) }); n != 0 {
		t.Errorf("%v allocations per block", n)
	}
}

func TestHighPass(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		for _, c := range []struct{ hz, low, high float64 }{
			{8, -41, -39}, {20, -24.5, -23.5}, {80, -3.2, -2.8}, {320, -0.1, 0.1}, {3000, -0.05, 0.05},
		} {
			h, err := NewHighPass(rate, 80)
			if err != nil {
				t.Fatal(err)
			}
			x := tone(2*rate, rate, c.hz, 20000)
			h.Process(x)
			amp, _ := level(x[rate:], rate, c.hz)
			if db := 20 * math.Log10(amp/20000); db < c.low || db > c.high {
				t.Errorf("%d Hz: %g Hz passes at %.2f dB, want %g to %g", rate, c.hz, db, c.low, c.high)
			}
		}
		h, err := NewHighPass(rate, 80)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]int16, rate)
		for i := range x {
			x[i] = 32767
		}
		h.Process(x)
		for _, v := range x[rate/2:] {
			if v < -1 || v > 1 {
				t.Fatalf("DC leaves %d", v)
			}
		}
	}
}

func BenchmarkResample(b *testing.B) {
	for _, p := range [][2]int{{44100, 48000}, {48000, 16000}, {16000, 48000}} {
		b.Run(fmt.Sprintf("%d-%d", p[0], p[1]), func(b *testing.B) {
			r, err := New(p[0], p[1])
			if err != nil {
				b.Fatal(err)
			}
			src := tone(p[0]/100, p[0], 1000, 10000)
			dst := make([]int16, r.MaxOutput(len(src)))
			for b.Loop() {
				r.Process(dst, src)
			}
		})
	}
}

func ExampleResampler_Process() {
	r, err := New(44100, 48000)
	if err != nil {
		fmt.Println(err)
		return
	}
	src := make([]int16, 441) // 10 ms
	dst := make([]int16, r.MaxOutput(len(src)))
	total := 0
	for range 100 {
		total += r.Process(dst, src)
	}
	fmt.Println(total, "samples a second, delay", r.Delay())
	// Output: 48000 samples a second, delay 38
}
