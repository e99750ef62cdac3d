package cn

import (
	"fmt"
	"math/bits"
)

const (
	blocksPerSecond = 200 // parameters move to the received ones every 5 ms
	approach        = 2   // by a quarter (in bits) of the distance
	stateQ          = 10  // fraction bits inside the filter
	stateMax        = 1 << 28
	rootThreeQ15    = 56756 // peak over effective value of the excitation
)

// Decoder makes noise after the description received last. Until there is one it
// is silent.
type Decoder struct {
	rateHz  int
	block   int // samples from one move of the parameters to the next
	left    int // of them
	started bool

	want, now struct {
		squareQ8 int64
		kQ15     [MaxOrder]int32
	}
	order  int
	peakQ  int64 // of the excitation, with stateQ fraction bits
	state  [MaxOrder + 1]int64
	random uint32
}

// NewDecoder returns a Decoder for noise at rateHz, or an error that wraps
// ErrConfig.
func NewDecoder(rateHz int) (*Decoder, error) {
	if err := checkRate(rateHz); err != nil {
		return nil, err
	}
	return &Decoder{rateHz: rateHz, block: rateHz / blocksPerSecond, random: 0x2545f491}, nil
}

// Reset forgets the noise: the next description holds at once.
func (d *Decoder) Reset() {
	random := d.random
	*d = Decoder{rateHz: d.rateHz, block: d.block, random: random}
}

// RateHz is the rate of what Decode gives.
func (d *Decoder) RateHz() int { return d.rateHz }

// MaxSamples is the room that Decode and Conceal need: 20 ms.
func (d *Decoder) MaxSamples() int { return d.rateHz / 50 }

// Samples returns MaxSamples, 0 if the payload is malformed.
func (d *Decoder) Samples(packet []byte) int {
	var p Parameters
	if p.Parse(packet) != nil {
		return 0
	}
	return d.MaxSamples()
}

// Decode takes a description and writes the first 20 ms of the noise to pcm, which
// has room for MaxSamples. Errors wrap ErrPacket or ErrSize.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	n := d.MaxSamples()
	if len(pcm) < n {
		return 0, fmt.Errorf("%w: room for %d samples, %d are needed", ErrSize, len(pcm), n)
	}
	if err := d.Update(packet); err != nil {
		return 0, err
	}
	d.Generate(pcm[:n])
	return n, nil
}

// Conceal goes on with the noise for 20 ms: descriptions come seldom. Errors wrap
// ErrSize.
func (d *Decoder) Conceal(pcm []int16) (int, error) {
	n := d.MaxSamples()
	if len(pcm) < n {
		return 0, fmt.Errorf("%w: room for %d samples, %d are needed", ErrSize, len(pcm), n)
	}
	d.Generate(pcm[:n])
	return n, nil
}

// Update takes a description without making noise. Errors wrap ErrPacket.
func (d *Decoder) Update(packet []byte) error {
	var p Parameters
	if err := p.Parse(packet); err != nil {
		return err
	}
	d.want.squareQ8 = square[-p.LevelDBov]
	d.want.kQ15 = [MaxOrder]int32{}
	for i, k := range p.ReflectionQ15[:p.Order] {
		d.want.kQ15[i] = int32(k)
	}
	d.order = max(d.order, p.Order)
	if !d.started {
		d.now = d.want
		d.started = true
		d.setPeak()
	}
	return nil
}

// Generate fills pcm, of any length, with noise.
func (d *Decoder) Generate(pcm []int16) {
	if !d.started {
		clear(pcm)
		return
	}
	for i := range pcm {
		if d.left == 0 {
			d.move()
			d.left = d.block
		}
		d.left--
		v := (d.next() + 1<<(stateQ-1)) >> stateQ
		pcm[i] = int16(min(max(v, -32768), 32767))
	}
}

// move brings the parameters nearer to those wanted.
func (d *Decoder) move() {
	if d.now == d.want {
		return
	}
	d.now.squareQ8 = toward(d.now.squareQ8, d.want.squareQ8)
	for i, k := range d.want.kQ15[:d.order] {
		d.now.kQ15[i] = int32(toward(int64(d.now.kQ15[i]), int64(k)))
	}
	d.setPeak()
}

// toward returns x moved a quarter of the way to y, rounded away from x so that it
// arrives.
func toward(x, y int64) int64 {
	d := y - x
	if d > 0 {
		d += 1<<approach - 1
	}
	return x + d>>approach
}

// setPeak computes the peak of a uniformly distributed excitation: the filter
// amplifies its energy by the product of 1/(1-k²).
func (d *Decoder) setPeak() {
	energy := d.now.squareQ8 << (2*stateQ - 8)
	for _, k := range d.now.kQ15[:d.order] {
		hi, lo := bits.Mul64(uint64(energy), uint64(1<<30-int64(k)*int64(k)))
		energy = int64(hi<<34 | lo>>30)
	}
	d.peakQ = root(energy) * rootThreeQ15 >> 15
}

// root is the integer part of the square root.
func root(x int64) int64 {
	var r int64
	for b := int64(1) << 31; b > 0; b >>= 1 {
		if t := r | b; t <= x/t {
			r = t
		}
	}
	return r
}

// next runs a random number through the all-pole lattice.
func (d *Decoder) next() int64 {
	// Marsaglia's xorshift.
	d.random ^= d.random << 13
	d.random ^= d.random >> 17
	d.random ^= d.random << 5
	f := int64(int16(d.random>>8)) * d.peakQ >> 15
	for i := d.order - 1; i >= 0; i-- {
		k := int64(d.now.kQ15[i])
		f -= (k*d.state[i] + 1<<14) >> 15
		d.state[i+1] = min(max(d.state[i]+(k*f+1<<14)>>15, -stateMax), stateMax)
	}
	d.state[0] = min(max(f, -stateMax), stateMax)
	return f
}
