package vp8

import "encoding/binary"

// boolWriter is the boolean entropy encoder of section 7. Bits gather in a
// 64-bit word and leave it four bytes at a time, so that the carry is looked at
// once in four bytes instead of once per bit, and several bits may be coded
// before anybody looks whether there is room.
type boolWriter struct {
	buf []byte
	// low is the bottom of the interval: its lowest 8 bits are aligned with
	// the range, above them lie pending bits that only a carry can still change.
	low uint64
	// less is the range less one, as products want it.
	less    uint32
	pending uint
}

// reset starts a new partition at the end of dst, whose memory it reuses.
func (w *boolWriter) reset(dst []byte) {
	w.buf, w.low, w.less, w.pending = dst, 0, 254, 0
}

// put codes one bit whose probability of being zero is prob/256.
func (w *boolWriter) put(bit bool, prob uint8) {
	w.step(bit, prob)
	w.room()
}

// room makes sure of room for three bits by step.
func (w *boolWriter) room() {
	if w.pending >= 32 {
		w.spill()
	}
}

// step is put without a look at the room.
func (w *boolWriter) step(bit bool, prob uint8) {
	w.low, w.less, w.pending = boolStep(w.low, w.less, w.pending, uint32(b2i(bit)), prob)
}

// boolStep takes one bit (0 or 1) into a writer's state; loops keep that in
// registers. The caller spills once 32 bits are pending.
func boolStep(low uint64, less uint32, pending uint, bit uint32, prob uint8) (uint64, uint32, uint) {
	split := less * uint32(prob) >> 8
	if bit != 0 {
		low += uint64(split + 1)
		split = less - split - 1
	}
	less, shift := boolNorm(split)
	return low << (shift & 63), less, pending + shift
}

// putFlag codes a bit that is as likely one as zero.
func (w *boolWriter) putFlag(bit bool) { w.put(bit, 128) }

// putLiteral codes the n low bits of v, highest first, each with even odds.
func (w *boolWriter) putLiteral(v uint32, n uint) {
	for n > 0 {
		n--
		w.put(v>>n&1 != 0, 128)
	}
}

// putOptional codes the header's optional signed value: a flag, then n bits of
// magnitude and a sign, where v is not zero.
func (w *boolWriter) putOptional(v int, n uint) {
	w.putFlag(v != 0)
	if v == 0 {
		return
	}
	if v < 0 {
		w.putLiteral(uint32(-v), n)
		w.putFlag(true)
		return
	}
	w.putLiteral(uint32(v), n)
	w.putFlag(false)
}

// spill moves the oldest 32 pending bits to the buffer. It is called rarely: what
// asks for room shall be small enough to vanish into its callers.
//
//go:noinline
func (w *boolWriter) spill() {
	out := w.low >> ((w.pending - 24) & 63)
	w.pending -= 32
	w.low &= 1<<((w.pending+8)&63) - 1
	if out>>32 != 0 {
		w.carry()
	}
	w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(out))
}

// carry adds one to the bytes already written.
func (w *boolWriter) carry() {
	for i := len(w.buf) - 1; i >= 0; i-- {
		w.buf[i]++
		if w.buf[i] != 0 {
			return
		}
	}
}

// finish writes what is pending and returns the buffer. A zero byte follows
// that no decoder needs: ffmpeg's (which Firefox uses) takes a partition whose
// last byte it has fetched for cut short, and gives up a frame that ends in
// macroblocks without coefficients.
func (w *boolWriter) finish() []byte {
	total := w.pending + 8
	if w.low>>total != 0 {
		w.carry()
		w.low &= 1<<total - 1
	}
	for total > 0 {
		if total >= 8 {
			total -= 8
			w.buf = append(w.buf, byte(w.low>>total))
			continue
		}
		w.buf = append(w.buf, byte(w.low<<(8-total)))
		total = 0
	}
	return append(w.buf, 0)
}
