package vp8

import (
	"math/rand/v2"
	"testing"
)

// refBoolReader is section 7.3's decoder, bit by bit.
type refBoolReader struct {
	data       []byte
	value, rng uint32
	count      int
}

func newRefBoolReader(data []byte) *refBoolReader {
	r := &refBoolReader{data: data, rng: 255}
	r.value = uint32(r.next())<<8 | uint32(r.next())
	return r
}

func (r *refBoolReader) next() byte {
	if len(r.data) == 0 {
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *refBoolReader) get(prob uint8) bool {
	split := 1 + ((r.rng-1)*uint32(prob))>>8
	bit := r.value >= split<<8
	if bit {
		r.rng -= split
		r.value -= split << 8
	} else {
		r.rng = split
	}
	for r.rng < 128 {
		r.value <<= 1
		r.rng <<= 1
		if r.count++; r.count == 8 {
			r.count = 0
			r.value |= uint32(r.next())
		}
	}
	return bit
}

func TestBoolWriterIsReadBack(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		n := rng.IntN(3000)
		bits := make([]bool, n)
		probs := make([]uint8, n)
		var w boolWriter
		w.reset(nil)
		for i := range bits {
			probs[i] = uint8(1 + rng.IntN(255))
			switch seed % 4 {
			case 0:
				bits[i] = rng.IntN(256) >= int(probs[i])
			case 1: // the improbable side: long shifts and carries
				bits[i] = probs[i] >= 128
			case 2:
				probs[i], bits[i] = 1, true
			default:
				bits[i] = rng.IntN(2) == 0
			}
			w.put(bits[i], probs[i])
		}
		r := newRefBoolReader(w.finish())
		for i, want := range bits {
			if got := r.get(probs[i]); got != want {
				t.Fatalf("seed %d: bit %d of %d is %t, want %t", seed, i, n, got, want)
			}
		}
	}
}

func TestTokenRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	probs := encFlatProbs(&defaultCoeffProbs)
	for range 500 {
		var q [16]int16
		first := rng.IntN(2)
		eob := 0
		for i := first; i < 16; i++ {
			if rng.IntN(3) == 0 {
				v := 1 + rng.IntN(1<<rng.IntN(12))
				if rng.IntN(2) == 0 {
					v = -v
				}
				q[i], eob = int16(v), i+1
			}
		}
		typ, ctx := rng.IntN(4), rng.IntN(3)
		var block [17]uint32
		base := encTypeRecord(typ)
		at := base + uint32(ctx)<<tokSlotShift
		if eob <= first {
			block[first], eob = at+encEndRecords[first], first
		} else {
			tokenizeBlock(&block, &q, first, eob, at, base)
		}
		recs := block[first:min(eob+1, 16)]
		var w boolWriter
		w.reset(nil)
		w.putTokens(recs, &probs)
		got := readBlockSlowly(newRefBoolReader(w.finish()), &defaultCoeffProbs[typ], first, ctx)
		if got != q {
			t.Fatalf("type %d, first %d: read %v, want %v", typ, first, got, q)
		}
	}
}

// readBlockSlowly walks coeffTree (section 13.2).
func readBlockSlowly(r *refBoolReader, p *[numCoeffBands][numCoeffContexts][numTokenProbs]uint8, first, ctx int) (q [16]int16) {
	start := 0
	for i := first; i < 16; i++ {
		at := start
		for {
			next := coeffTree[at+b2i(r.get(p[coeffBand[i]][ctx][at/2]))]
			if next <= 0 {
				at = int(-next)
				break
			}
			at = int(next)
		}
		if at == tokenEOB {
			return q
		}
		v := at
		if at >= tokenCat1 {
			extra := 0
			for _, pr := range tokenCatProbs[at-tokenCat1] {
				extra = 2*extra + b2i(r.get(pr))
			}
			v = tokenCatBase[at-tokenCat1] + extra
		}
		start, ctx = 0, min(v, 2)
		if v == 0 {
			start = 2
			continue
		}
		if r.get(128) {
			v = -v
		}
		q[i] = int16(v)
	}
	return q
}

// TestFinishLeavesAByteUnread: a decoder that fetches two bytes at a time, as
// soon as it has none to spare, must not meet the end before the last bit.
func TestFinishLeavesAByteUnread(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	for n := range 400 {
		var w boolWriter
		w.reset(nil)
		shifts := 0
		for range n {
			before := w.less + 1
			prob := uint8(1 + rng.IntN(255))
			bit := rng.IntN(256) >= int(prob)
			w.put(bit, prob)
			split := 1 + (before-1)*uint32(prob)>>8
			if bit {
				split = before - split
			}
			for ; split < 128; split <<= 1 {
				shifts++
			}
		}
		fetched, spare := 24, 16 // bits
		for s := shifts; s >= spare; spare += 16 {
			fetched += 16
		}
		// Fetched early: the last two bytes may be read before they are needed.
		if got := 8 * len(w.finish()); got < shifts+16 || shifts >= spare && got <= fetched {
			t.Fatalf("%d bits: %d bits written, %d used", n, got, shifts+8)
		}
	}
}
