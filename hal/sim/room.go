package sim

import (
	"math"

	"github.com/edgecam/edgecam/engine/media"
)

// room is the echo path from speaker to microphone: the direct path, early
// reflections by the image method and a thin exponentially decaying tail, as
// a sparse impulse response.
type room struct {
	taps    []tap
	clip    float32   // level of the distortion, 0: none
	longest int64     // delay of the last tap
	emitted []float32 // what the speaker emitted, long enough for one block
}

type tap struct {
	delay int64 // samples
	gain  float32
}

// The room is a hall of 4.2 x 2.8 x 2.5 m with the door station on a wall;
// microphone and speaker are 9 cm apart. Metres.
var (
	roomSize    = [3]float64{4.2, 2.8, 2.5}
	roomSpeaker = [3]float64{1.30, 0.06, 1.32}
	roomMic     = [3]float64{1.30, 0.06, 1.41}
)

const speedOfSound = 343.0

func newRoom(o SoundOptions) room {
	var r room
	if o.ClipDBFS < 0 {
		r.clip = float32(32768 * math.Pow(10, o.ClipDBFS/20))
	}
	base := o.EchoDelay.Seconds() * media.EngineRateHz
	direct := math.Pow(10, o.EchoGainDB/20)
	decay := func(sec float64) float64 { return math.Pow(10, -3*sec/o.DecayTime.Seconds()) }
	d0 := math.Abs(roomMic[2] - roomSpeaker[2])
	for nx := -2; nx <= 2; nx++ {
		for ny := -2; ny <= 2; ny++ {
			for nz := -2; nz <= 2; nz++ {
				dist := math.Sqrt(sq(image(nx, 0)) + sq(image(ny, 1)) + sq(image(nz, 2)))
				after := (dist - d0) / speedOfSound
				gain := direct * min(d0/dist, 1) * decay(after)
				if order := abs(nx) + abs(ny) + abs(nz); order > 0 {
					gain *= math.Pow(0.85, float64(order))
				}
				if gain > direct*0.004 {
					r.taps = append(r.taps, tap{int64(base + after*media.EngineRateHz + 0.5), float32(gain)})
				}
			}
		}
	}
	const tailTaps = 48
	for i := range int32(tailTaps) {
		sec := (float64(i) + float64(hash2(i, 201))) / tailTaps * o.DecayTime.Seconds()
		sign := 1.0
		if hash2(i, 202) < 0.5 {
			sign = -1
		}
		r.taps = append(r.taps, tap{int64(base + (0.004+sec)*media.EngineRateHz), float32(sign * direct * 0.035 * decay(sec))})
	}
	for _, t := range r.taps {
		r.longest = max(r.longest, t.delay)
	}
	r.emitted = make([]float32, r.longest+media.BlockSamples)
	return r
}

// image returns the distance along one axis from the microphone to the n-th
// mirror image of the speaker.
func image(n, axis int) float64 {
	pos := float64(n) * roomSize[axis]
	if n%2 == 0 {
		pos += roomSpeaker[axis]
	} else {
		pos += roomSize[axis] - roomSpeaker[axis]
	}
	return pos - roomMic[axis]
}

func sq(x float64) float64 { return x * x }

func abs(n int) int { return max(n, -n) }

// add adds the echo that is heard from card position p on to a block. ratio is
// that of the speaker's rate to the microphone's.
func (r *room) add(dst []float32, played *playedRing, p int64, ratio float64) {
	first := float64(p-r.longest) * ratio
	if played.end == 0 || int64(first) >= played.end {
		return // nothing was emitted that can still be heard
	}
	sum := float32(0)
	for i := range r.emitted {
		var v float32
		if ratio == 1 {
			v = float32(played.at(p - r.longest + int64(i)))
		} else {
			v = played.between(first + float64(i)*ratio)
		}
		sum += abs32(v)
		if r.clip > 0 {
			v /= 1 + abs32(v)/r.clip
		}
		r.emitted[i] = v
	}
	if sum == 0 {
		return
	}
	for _, t := range r.taps {
		src := r.emitted[r.longest-t.delay:][:len(dst)]
		for i, v := range src {
			dst[i] += v * t.gain
		}
	}
}

// between returns the value at a position between samples (Lagrange's
// interpolation of third order).
func (r *playedRing) between(position float64) float32 {
	p := int64(math.Floor(position))
	x := float32(position - float64(p))
	a, b, c, d := float32(r.at(p-1)), float32(r.at(p)), float32(r.at(p+1)), float32(r.at(p+2))
	return -a*x*(x-1)*(x-2)/6 + b*(x+1)*(x-1)*(x-2)/2 - c*(x+1)*x*(x-2)/2 + d*(x+1)*x*(x-1)/6
}

// noiseSource makes the noise of a quiet room: white noise, low frequencies
// raised.
type noiseSource struct {
	state uint64
	low   float32
	gain  float32
}

func newNoiseSource(levelDBFS float64, seed uint64) noiseSource {
	// 2.66 is the reciprocal of the RMS of the sum below for white noise that is
	// uniform in -1..1.
	return noiseSource{state: seed*2 + 0xD1B54A32D192ED03, gain: float32(2.66 * 32768 * math.Pow(10, levelDBFS/20))}
}

func (n *noiseSource) next() float32 {
	n.state ^= n.state << 13
	n.state ^= n.state >> 7
	n.state ^= n.state << 17
	return float32(int32(n.state>>32)) / (1 << 31)
}

func (n *noiseSource) add(dst []float32) {
	for i := range dst {
		w := n.next()
		n.low += 0.04 * (w - n.low)
		dst[i] += n.gain * (0.5*w + 3.8*n.low*0.55)
	}
}
