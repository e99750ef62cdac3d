package resample

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/fixed"
)

// HighPass is a second-order Butterworth high-pass: it removes DC, hum's
// fundamental, wind's and traffic's rumble. It is for one goroutine.
type HighPass struct {
	// Q30; a0 is one.
	b0, b1, a1, a2 int64
	x1, x2         int64 // samples
	y1, y2         int64 // Q12
}

// NewHighPass returns a high-pass with its -3 dB point at cutHz, 20 to 400, for
// a signal at rateHz. The coefficients are those of the bilinear transform with
// Q = 1/√2 (R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter
// coefficients").
func NewHighPass(rateHz, cutHz int) (*HighPass, error) {
	if rateHz < MinRateHz || rateHz > MaxRateHz {
		return nil, fmt.Errorf("%w: %d Hz, must be %d to %d", ErrRate, rateHz, MinRateHz, MaxRateHz)
	}
	if cutHz < 20 || cutHz > 400 {
		return nil, fmt.Errorf("%w: a cut-off of %d Hz, must be 20 to 400", ErrRate, cutHz)
	}
	turn := uint32(uint64(cutHz) << 32 / uint64(rateHz))
	const sqrtHalfQ30 = 759250125
	sin, cos := int64(fixed.SinQ30(turn)), int64(fixed.CosQ30(turn))
	alpha := sin * sqrtHalfQ30 >> 30
	const one = 1 << 30
	a0 := one + alpha
	div := func(x int64) int64 { return x << 30 / a0 }
	h := &HighPass{b0: div((one + cos) / 2), a1: div(-2 * cos), a2: div(one - alpha)}
	h.b1 = -2 * h.b0
	return h, nil
}

// Process filters frame in place. Its length may vary from call to call.
func (h *HighPass) Process(frame []int16) {
	for i, v := range frame {
		x := int64(v)
		y := ((h.b0*(x+h.x2)+h.b1*h.x1)<<12 - h.a1*h.y1 - h.a2*h.y2 + 1<<29) >> 30
		h.x2, h.x1 = h.x1, x
		h.y2, h.y1 = h.y1, y
		frame[i] = fixed.Sat16(fixed.Sat32((y + 1<<11) >> 12))
	}
}
