package vp8

// emptyRuns tells for every range that the boolean decoder may have whether the
// next four bits are zero, all of one probability: so the ends of four empty
// blocks are read as one where no neighbour has coefficients.
//
// Zero is the lower part of the range, so each split that follows a zero lies
// inside the one before, and the last alone decides. What the steps do to the
// value is to shift it.
type emptyRuns struct {
	prob uint8
	run  [128]emptyRun // by the range less 128
}

type emptyRun struct {
	// below is what the upper half of the reader's value is less than if all
	// bits are zero; 0 if the reader cannot know, because it may not hold so
	// many bits.
	below uint32
	// rng is the range afterwards, shift by how much the value is to be shifted.
	rng, shift uint8
}

const (
	emptyRunBits = 4
	// maxEmptyShift is how many bits below the top byte a reader holds before
	// it looks here: as many as below resolves.
	maxEmptyShift = 24
)

// set makes the table for the probability prob of a zero. A new table, which says
// that the reader cannot know, is right for the probability 0.
func (t *emptyRuns) set(prob uint8) {
	if t.prob == prob {
		return
	}
	t.prob = prob
	for i := range t.run {
		t.run[i] = newEmptyRun(uint32(128+i), prob)
	}
}

func newEmptyRun(rng uint32, prob uint8) (e emptyRun) {
	var shift uint
	for range emptyRunBits {
		if shift > maxEmptyShift {
			return emptyRun{}
		}
		split := 1 + ((rng-1)*uint32(prob))>>8
		e.below = split << 24 >> shift
		n := boolShift(split)
		rng = split << n
		shift += n
	}
	if shift > maxEmptyShift {
		return emptyRun{}
	}
	e.rng, e.shift = uint8(rng), uint8(shift)
	return e
}
