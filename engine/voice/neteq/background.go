package neteq

const (
	// quietFactor: a block of less than this times the floor's energy is taken for
	// background.
	quietFactor = 2
	// learnBlocks is how many blocks pass at least between two looks at the
	// background's spectrum.
	learnBlocks = 10
)

// background is the noise behind the speech: its level, its spectrum, and what
// sounds like it.
type background struct {
	lpc    predictor
	syn    synthesis
	peak   int32
	random uint32

	floor  int64 // mean square of the quietest blocks, slowly forgetting
	speech int64 // mean square of the loudest
	blocks int
	valid  bool
	work   [windowSamples]int16
}

func (b *background) reset() { *b = background{random: 0x2545f491} }

// observe takes the newest decoded samples of x, a block at its end.
func (b *background) observe(x []int16, block int) {
	e := energy(x[len(x)-block:])/int64(block) + 1
	if b.floor == 0 {
		b.floor, b.speech = e, e
	}
	// The floor rises by 1 dB in a second, the peak falls by half of that.
	b.floor = min(b.floor+b.floor>>9+1, e)
	b.speech = max(b.speech-b.speech>>10, e)
	b.blocks++
	window := 2 * block
	if e > quietFactor*b.floor || (b.blocks < learnBlocks && b.valid) || len(x) < window || b.speech < 16*e {
		return
	}
	b.blocks, b.valid = 0, true
	order := orderOf(block*100) / 2
	x = x[len(x)-window:]
	b.lpc.analyse(x, order, b.work[:])
	res := b.work[:window-order]
	b.lpc.residual(res, x, order)
	mean := energy(res) / int64(len(res))
	b.peak = int32(int64(root(uint64(mean))) * 56756 >> 15)
}

// pause says whether a piece of signal is so quiet that its length is of no matter.
func (b *background) pause(x []int16) bool {
	if len(x) == 0 {
		return false
	}
	e := energy(x) / int64(len(x))
	return e < 64 || e < 4*b.floor && 1000*e < b.speech || 30000*e < b.speech
}

// generate writes what sounds like the background.
func (b *background) generate(dst []int16) {
	if !b.valid || b.peak == 0 {
		clear(dst)
		return
	}
	random, peak := b.random, min(b.peak, 32767)
	for i := range dst {
		random ^= random << 13
		random ^= random >> 17
		random ^= random << 5
		dst[i] = int16(int32(int16(random>>8)) * peak >> 15)
	}
	b.random = random
	b.syn.run(&b.lpc, dst)
}
