package sim

import (
	"math"

	"github.com/edgecam/edgecam/engine/media"
)

// voice is a formant synthesiser that babbles: syllables of a consonant and a
// vowel in phrases with falling pitch, and pauses between them. A glottal
// pulse train and noise run through a cascade of four resonators.
type voice struct {
	noise   noiseSource
	gain    float32
	phase   float64 // of the glottal cycle, 0 to 1
	flow    float64
	hiss    resonator
	formant [4]resonator

	now, goal sound
	left      int // control frames left of the segment
	tick      int // samples left of the control frame
	queue     [4]segment
	queued    int
	syllables int // left in the phrase
	place     float64
	length    float64
}

// sound is what the mouth does: formants in Hz, voicing, hiss, pitch.
type sound struct{ f1, f2, f3, voiced, hissed, hissHz, pitch float64 }

type segment struct {
	sound
	frames int
}

// controlSamples is one control frame, 2.5 ms.
const controlSamples = media.EngineRateHz / 400

// Typical formants of vowels of an adult (Hz).
var vowels = [...][3]float64{
	{730, 1090, 2440},
	{530, 1840, 2480},
	{390, 1990, 2550},
	{570, 840, 2410},
	{440, 1020, 2240},
	{300, 870, 2240},
	{270, 2290, 3010},
	{640, 1190, 2390},
	{500, 1500, 2500},
}

// Consonants: first two formants, voicing, hiss and its frequency, duration
// in frames.
var consonants = [...]segment{
	{sound{280, 1000, 2200, 0.35, 0, 4000, 0}, 26},    // m
	{sound{280, 1600, 2500, 0.35, 0, 4000, 0}, 24},    // n
	{sound{360, 1100, 2600, 0.55, 0, 4000, 0}, 24},    // l
	{sound{320, 1300, 1700, 0.5, 0, 4000, 0}, 22},     // r
	{sound{290, 650, 2200, 0.5, 0, 4000, 0}, 22},      // w
	{sound{300, 1700, 2600, 0, 0.5, 6200, 0}, 36},     // s
	{sound{300, 1800, 2500, 0, 0.5, 3000, 0}, 36},     // sh
	{sound{300, 1100, 2300, 0, 0.16, 5000, 0}, 30},    // f
	{sound{250, 1700, 2600, 0.04, 0.06, 4500, 0}, 24}, // t
	{sound{250, 900, 2300, 0.08, 0, 4000, 0}, 24},     // b
	{sound{250, 1900, 2300, 0.03, 0.05, 2200, 0}, 26}, // k
	{sound{280, 1700, 2600, 0.25, 0.14, 5600, 0}, 26}, // z
}

// glottis is the air flow of one cycle: opening, quick closing, closed.
var glottis = func() (t [1025]float64) {
	for i := range t {
		switch p := float64(i) / 1024; {
		case p < 0.42:
			t[i] = 0.5 - 0.5*math.Cos(math.Pi*p/0.42)
		case p < 0.60:
			t[i] = math.Cos(math.Pi / 2 * (p - 0.42) / 0.18)
		}
	}
	return t
}()

// newVoice returns a voice whose active level is levelDBFS.
func newVoice(levelDBFS float64, seed uint64) *voice {
	trial := rawVoice(seed)
	trial.gain = 1
	// The active level: mean power of the blocks that are not pauses.
	var block [media.BlockSamples]float32
	var powers [400]float64
	loudest := 0.0
	for i := range powers {
		clear(block[:])
		trial.add(block[:])
		for _, v := range block {
			powers[i] += float64(v) * float64(v)
		}
		loudest = max(loudest, powers[i])
	}
	sum, n := 0.0, 0
	for _, p := range powers {
		if p > loudest/1000 {
			sum += p
			n++
		}
	}
	rms := math.Sqrt(sum / float64(n*media.BlockSamples))
	v := rawVoice(seed)
	v.gain = float32(32768 * math.Pow(10, levelDBFS/20) / rms)
	return v
}

func rawVoice(seed uint64) *voice {
	v := &voice{noise: newNoiseSource(0, seed+77)}
	v.now = sound{f1: 500, f2: 1500, f3: 2500, hissHz: 4000, pitch: 120}
	v.goal = v.now
	return v
}

// random is uniform in 0..1.
func (v *voice) random() float64 { return float64(v.noise.next())*0.5 + 0.5 }

// add adds speech to dst (full scale 32768).
func (v *voice) add(dst []float32) {
	for i := range dst {
		if v.tick == 0 {
			v.control()
			v.tick = controlSamples
		}
		v.tick--
		v.phase += v.now.pitch / media.EngineRateHz
		if v.phase >= 1 {
			v.phase -= 1
		}
		x := v.phase * 1024
		k := int(x)
		flow := glottis[k] + (glottis[k+1]-glottis[k])*(x-float64(k))
		white := float64(v.noise.next())
		source := (flow-v.flow)*media.EngineRateHz/120*v.now.voiced + white*0.02*v.now.voiced*flow
		v.flow = flow
		y := source
		for j := range v.formant {
			y = v.formant[j].step(y)
		}
		y += v.hiss.step(white*v.now.hissed) * 0.9
		dst[i] += float32(y) * v.gain
	}
}

// control moves the mouth one frame on.
func (v *voice) control() {
	if v.left == 0 {
		v.goal, v.left = v.nextSegment()
	}
	v.left--
	move := func(now *float64, goal, rate float64) { *now += (goal - *now) * rate }
	move(&v.now.f1, v.goal.f1, 0.12)
	move(&v.now.f2, v.goal.f2, 0.10)
	move(&v.now.f3, v.goal.f3, 0.10)
	move(&v.now.voiced, v.goal.voiced, 0.16)
	move(&v.now.hissed, v.goal.hissed, 0.22)
	move(&v.now.pitch, v.goal.pitch*(1+0.012*(v.random()-0.5)), 0.08)
	v.now.hissHz = v.goal.hissHz
	v.formant[0].tune(v.now.f1, 70)
	v.formant[1].tune(v.now.f2, 95)
	v.formant[2].tune(v.now.f3, 150)
	v.formant[3].tune(3500, 230)
	v.hiss.tune(v.now.hissHz, 1400)
}

// nextSegment returns the next sound and its length in control frames.
func (v *voice) nextSegment() (sound, int) {
	if v.queued == 0 {
		v.syllable()
	}
	s := v.queue[0]
	copy(v.queue[:], v.queue[1:v.queued])
	v.queued--
	if s.pitch == 0 {
		s.pitch = v.now.pitch
	}
	return s.sound, s.frames
}

func (v *voice) push(s segment) {
	v.queue[v.queued] = s
	v.queued++
}

func (v *voice) syllable() {
	if v.syllables == 0 {
		v.syllables = 4 + int(v.random()*6)
		v.length, v.place = float64(v.syllables), 0
		rest := v.now
		rest.voiced, rest.hissed = 0, 0
		v.push(segment{rest, 140 + int(v.random()*260)})
	}
	v.syllables--
	v.place++
	c := consonants[min(int(v.random()*float64(len(consonants))), len(consonants)-1)]
	f := vowels[min(int(v.random()*float64(len(vowels))), len(vowels)-1)]
	stress := v.random()
	pitch := 138 - 34*v.place/v.length + 22*(stress-0.4)
	vowel := segment{sound{f[0], f[1], f[2], 0.75 + 0.4*stress, 0, c.hissHz, pitch}, 38 + int(stress*34)}
	if v.syllables == 0 { // the last syllable is drawn out and fades
		vowel.frames += 24
	}
	v.push(c)
	v.push(vowel)
}

// resonator is a two-pole filter of gain 1 at 0 Hz.
type resonator struct{ a, b, c, y1, y2 float64 }

func (r *resonator) tune(hz, bandwidthHz float64) {
	radius := math.Exp(-math.Pi * bandwidthHz / media.EngineRateHz)
	r.c = -radius * radius
	r.b = 2 * radius * math.Cos(2*math.Pi*hz/media.EngineRateHz)
	r.a = 1 - r.b - r.c
}

func (r *resonator) step(x float64) float64 {
	y := r.a*x + r.b*r.y1 + r.c*r.y2
	r.y1, r.y2 = y, r.y1
	return y
}
