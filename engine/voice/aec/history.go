package aec

import (
	"math/bits"

	"github.com/edgecam/edgecam/engine/fixed"
)

// history holds the spectra of the last far-end windows: one window of size
// samples for each hop. Filters of the same hop and size share it.
type history struct {
	fft    *fixed.RealFFT
	hop    int
	slots  int
	bins   int
	stride int // bins in memory: those after the last are zero
	now    int // slot of the newest window

	window []int32           // Q4, the last size samples
	work   []fixed.Complex32 // for the FFT
	spec   []fixed.Complex32 // slots × stride, Q4
	power  []int32           // slots × stride, |spec|² >> shift[slot]
	shift  []int8            // |spec|² (Q8) = power << shift; -1: the window is silent
	loud   []int8            // bits of the largest |spec|², Q8
}

func newHistory(size, hop, slots int) (*history, error) {
	fft, err := fixed.NewRealFFT(size)
	if err != nil {
		return nil, err
	}
	bins := fft.Bins()
	h := &history{
		fft: fft, hop: hop, slots: slots, bins: bins, stride: (bins + 3) &^ 3,
		window: make([]int32, size), work: make([]fixed.Complex32, size/2),
		shift: make([]int8, slots), loud: make([]int8, slots),
	}
	h.spec, h.power = make([]fixed.Complex32, slots*h.stride), make([]int32, slots*h.stride)
	for i := range h.shift {
		h.shift[i] = -1
	}
	return h, nil
}

// push takes the next hop samples, Q4.
func (h *history) push(samplesQ4 []int32) {
	copy(h.window, h.window[h.hop:])
	copy(h.window[len(h.window)-h.hop:], samplesQ4)
	h.now++
	if h.now == h.slots {
		h.now = 0
	}
	spec, pw, _ := h.at(0)
	var any int32
	for _, v := range h.window {
		any |= v
	}
	if any == 0 {
		clear(spec)
		clear(pw)
		h.shift[h.now], h.loud[h.now] = -1, 0
		return
	}
	h.fft.Forward(spec[:h.bins], h.window, h.work)
	var top int64
	for _, v := range spec {
		top |= power(v)
	}
	shift := max(bits.Len64(uint64(top))-30, 0)
	for k, v := range spec {
		pw[k] = int32(power(v) >> (uint(shift) & 63))
	}
	h.shift[h.now], h.loud[h.now] = int8(shift), int8(bits.Len64(uint64(top)))
}

// slot returns the index of the window of age hops ago.
func (h *history) slot(age int) int {
	i := h.now - age
	if i < 0 {
		i += h.slots
	}
	return i
}

// at returns spectrum and power of the window of age hops ago, and the power's
// shift: negative if the window is silent.
func (h *history) at(age int) (spec []fixed.Complex32, pw []int32, shift int) {
	i := h.slot(age)
	o := i * h.stride
	return h.spec[o : o+h.stride : o+h.stride], h.power[o : o+h.stride : o+h.stride], int(h.shift[i])
}

// loudness returns the bits of the largest power of the window of age hops ago.
func (h *history) loudness(age int) int { return int(h.loud[h.slot(age)]) }
