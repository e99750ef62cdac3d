package isac

// ditherGenerator is the pseudo-random generator that encoder and decoder run
// in step, seeded with the range coder's width (6.1).
type ditherGenerator uint32

func (r *ditherGenerator) step() uint32 {
	*r = *r*196314165 + 907633515
	return uint32(*r)
}

// ditherValue returns the signed 7-bit value of a generator state.
func ditherValue(r uint32) int32 { return int32(r+1<<24) >> 25 }

// weakVoicingQ12 is the mean pitch gain below which dither is strong.
const weakVoicingQ12 = 614

// lowerDither fills d (Q7) for a block of the lower band (6.1).
func lowerDither(d *[480]int32, seed uint32, meanGainQ12 int32) {
	r := ditherGenerator(seed)
	if meanGainQ12 < weakVoicingQ12 {
		for i := 0; i < len(d); i += 3 {
			a := ditherValue(r.step())
			s := r.step()
			b := ditherValue(s)
			switch q := s >> 25 & 15; {
			case q < 5:
				d[i], d[i+1], d[i+2] = a, b, 0
			case q < 10:
				d[i], d[i+1], d[i+2] = a, 0, b
			default:
				d[i], d[i+1], d[i+2] = 0, a, b
			}
		}
		return
	}
	factorQ14 := int32(int16(22528 - 10*meanGainQ12))
	for i := 0; i < len(d); i += 2 {
		s := r.step()
		q := int(s >> 25 & 1)
		d[i+q] = (factorQ14*ditherValue(s) + 8192) >> 14
		d[i+1-q] = 0
	}
}

// upperDither fills d (Q7) for a block of the upper band (14.2).
func upperDither(d []int32, seed uint32) {
	r := ditherGenerator(seed)
	for i := range d {
		d[i] = ditherValue(r.step()) * 2048 >> 13
	}
}
