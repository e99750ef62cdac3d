package ilbc

const (
	// refine is how many filtered vectors, around the best unfiltered one, are
	// tried (section 3.6.4.1).
	refine     = 34
	maxGainQ14 = 21299 // 1.3
	codeVector = 128   // vectors in each half of the largest codebook
)

// searchRange is how many windows of the codebook each stage tries, by the place
// of the vector in the order of coding.
var searchRange = [maxSubframes - 1][stages]int{{58, 58, 58}, {108, 44, 44}, {108, 108, 108}, {108, 108, 108}, {108, 108, 108}}

// memoryUsed is how much of the codebook holds decoded samples by then.
var memoryUsed = [maxSubframes - 1]int{63, 85, 125, 147, 147}

// searcher finds the codebook vectors of one target after the other (section
// 3.6.4). Vectors are numbered here with the repeated short periods first.
type searcher struct {
	plain, filtered codebook // perceptually weighted, and that filtered again
	target          [order + subframe]int16
	left            []int16 // what of the target is not coded yet
	shift           uint    // of all products, so that sums fit
	size            int     // of the codebook
	section         int     // vectors in each half
	short           int     // of them, repeated short periods

	fades   [2][augmented][fadeLen]int16 // seams of the short periods of either half
	inverse [2 * codeVector]int16        // of the vectors' energies, Q29
	norms   [2 * codeVector]int16        // shifts that normalized the energies
	cross   [codeVector]int32
	crit    [codeVector]int32

	best candidate
}

// candidate is the best vector of a stage so far.
type candidate struct {
	index    int
	crit     int32
	critNorm int
	gainQ14  int32
}

// search codes target into code and gain. vector is its place in the order of
// coding, book what was decoded before, weight the weighting filter.
func (s *searcher) search(code, gain *[stages]int16, target []int16, book *codebook, size int, weight *predictor, vector int) {
	s.prepare(target, book, size, weight, memoryUsed[vector])
	var coded [subframe]int16
	n := len(target)
	copy(coded[:], s.left)
	targetEnergy := dot(s.left, s.left, s.shift)
	s.energies(searchRange[vector][0])
	gQ14, firstQ14 := int32(1<<14), int32(0)
	for stage := range stages {
		s.stage(stage, searchRange[vector][stage])
		gQ14, gain[stage] = quantizeGain(s.best.gainQ14, gQ14, stage)
		if stage == 0 {
			firstQ14 = gQ14
		}
		code[stage] = s.take(gQ14)
	}
	for i, v := range s.left {
		coded[i] -= v
	}
	gain[0] = matchEnergy(gain[0], firstQ14, dot(coded[:n], coded[:n], s.shift), targetEnergy)
}

// prepare weights the codebook and the target (section 3.6.2).
func (s *searcher) prepare(target []int16, book *codebook, size int, weight *predictor, used int) {
	n := len(target)
	s.size, s.section, s.short = size, size-n+1, 0
	if n == subframe {
		s.section, s.short = s.section+augmented, augmented
	}
	var y [order + codeMemory]int16
	allPole(y[:], book.tail(used), weight)
	s.plain.load(y[order : order+used])
	copy(s.target[:order], s.plain.tail(order))
	allPole(s.target[:], target, weight)
	s.left = s.target[order : order+n]
	s.filtered.load(nil)
	s.plain.expand(s.filtered.tail(used), 0)

	a, b := peakOf(s.plain.tail(size)), peakOf(s.left)
	s.shift = 5
	if a > 0 && b > 0 {
		peak := max(a, b)
		s.shift = uint(max(bitLen(peak*peak)-25, 0))
	}
	if s.short > 0 {
		for i := range augmented {
			blendPeriod(&s.fades[0][i], s.plain.tail(codeMemory), shortest+i)
			blendPeriod(&s.fades[1][i], s.filtered.tail(codeMemory), shortest+i)
		}
	}
}

// energies computes the inverse energies of the first windows of both halves and
// of all short periods.
func (s *searcher) energies(windows int) {
	s.inverse, s.norms = [2 * codeVector]int16{}, [2 * codeVector]int16{}
	n := len(s.left)
	for h, book := range [2]*codebook{&s.plain, &s.filtered} {
		at := h * s.section
		if s.short > 0 {
			mem := book.tail(codeMemory)
			front := dot(mem[codeMemory-19:codeMemory-4], mem[codeMemory-19:codeMemory-4], s.shift)
			for i := range augmented {
				lag := shortest + i
				v := int32(mem[codeMemory-lag])
				front += v * v >> s.shift
				fade := s.fades[h][i][:]
				rest := mem[codeMemory-lag : codeMemory-lag+subframe-lag]
				s.setEnergy(at+i, front+dot(fade, fade, s.shift)+dot(rest, rest, s.shift))
			}
		}
		at += s.short
		mem := book.tail(s.size)
		first := mem[s.size-n:]
		energy := dot(first, first, s.shift)
		s.setEnergy(at, energy)
		for i := 1; i < windows; i++ {
			in, out := int32(mem[s.size-n-i]), int32(mem[s.size-i])
			energy = max(energy+(in*in-out*out)>>s.shift, 0)
			s.setEnergy(at+i, energy)
		}
	}
	for i, e := range s.inverse[:2*s.section] {
		s.inverse[i] = int16(quotient(0x1fffffff, max(e, 1<<14)))
	}
}

func (s *searcher) setEnergy(i int, energy int32) {
	n := norm(energy)
	s.norms[i] = int16(n)
	s.inverse[i] = int16(energy << uint(n) >> 16)
}

// stage finds the best vector for what is left of the target: among all of the
// first half, then around its place in the second.
func (s *searcher) stage(stage, windows int) {
	s.best = candidate{critNorm: -100}
	n := len(s.left)
	s.crossShort(0, 0, s.short)
	mem := s.plain.tail(s.size)
	for i := range windows {
		s.cross[s.short+i] = correlate(s.left, mem[s.size-n-i:s.size-i], s.shift)
	}
	total := s.short + windows
	s.pick(stage, 0, total)

	from := max(s.best.index-refine/2, 0)
	to := from + refine
	if to >= total {
		to = total - 1
		from = to - refine
	}
	s.crossShort(1, from, min(to+1, s.short))
	mem = s.filtered.tail(s.size)
	for i := max(from, s.short); i <= to; i++ {
		w := i - s.short
		s.cross[i-from] = correlate(s.left, mem[s.size-n-w:s.size-w], s.shift)
	}
	s.pick(stage, s.section+from, to-from+1)
}

// crossShort correlates the target with the short periods from to to-1 of a half.
func (s *searcher) crossShort(h, from, to int) {
	book := &s.plain
	if h == 1 {
		book = &s.filtered
	}
	mem := book.tail(codeMemory)
	for i := from; i < to; i++ {
		lag := shortest + i
		period := mem[codeMemory-lag:]
		// The seams are taken from the first on, also where the search begins later:
		// so do the other realisations.
		fade := s.fades[h][i-from][:]
		s.cross[i-from] = dot(s.left[:lag-fadeLen], period, s.shift) +
			dot(s.left[lag-fadeLen:lag], fade, s.shift) +
			dot(s.left[lag:subframe], period, s.shift)
	}
}

// pick compares cross²/energy of count vectors from offset on, whose cross
// correlations are in s.cross, with the best so far.
func (s *searcher) pick(stage, offset, count int) {
	cross, crit := s.cross[:count], s.crit[:count]
	inverse, norms := s.inverse[offset:offset+count], s.norms[offset:offset+count]
	if stage == 0 {
		// The first gain is positive.
		for i, c := range cross {
			cross[i] = max(c, 0)
		}
	}
	up := norm(peakOf32(cross))
	top := -32768
	for i, c := range cross {
		v := c << uint(up) >> 16
		crit[i] = v * v >> 16 * int32(inverse[i])
		if crit[i] != 0 {
			top = max(top, int(norms[i]))
		}
	}
	if top == -32768 {
		top = 0
	}
	for i := range crit {
		crit[i] = scale(crit[i], -min(16, top-int(norms[i])))
	}
	at := argMax(crit)
	critNorm := 32 - 2*up + top
	ahead := critNorm - s.best.critNorm
	if crit[at]>>uint(min(max(-ahead, 0), 31)) <= s.best.crit>>uint(min(max(ahead, 0), 31)) {
		return
	}
	down := 16 - norm(cross[at])
	g := scale16(cross[at], -down) * int32(inverse[at]) >> uint(min(31, 31-int(norms[at])-down)&31)
	s.best = candidate{
		index: offset + at, crit: crit[at], critNorm: critNorm,
		gainQ14: min(max(g, -maxGainQ14), maxGainQ14),
	}
}

// take subtracts the best vector times its gain from the target and returns the
// vector's number in the bit stream, where the short periods come last.
func (s *searcher) take(gainQ14 int32) int16 {
	index, book, base := s.best.index, &s.plain, 0
	if index >= s.section {
		index, book, base = index-s.section, &s.filtered, s.section
	}
	var short [subframe]int16
	n := len(s.left)
	v := short[:n]
	if index < s.short {
		repeatPeriod(v, book.tail(codeMemory), shortest+index)
		index += s.section - s.short
	} else {
		index -= s.short
		v = book.tail(index + n)[:n]
	}
	for i, x := range v {
		s.left[i] += int16((int32(x)*-gainQ14 + 1<<13) >> 14)
	}
	return int16(base + index)
}

// quantizeGain returns the decoded gain and its index (section 3.6.4.2). before is
// the gain of the stage before.
func quantizeGain(gainQ14, beforeQ14 int32, stage int) (decodedQ14 int32, index int16) {
	table := gainTable(stage)
	last := len(table) - 2
	reference := gainReference(beforeQ14)
	wanted := gainQ14 << 14
	at := (last + 1) / 2
	for step := at / 2; step > 0; step /= 2 {
		if reference*int32(table[at]) < wanted {
			at += step
		} else {
			at -= step
		}
	}
	here := reference * int32(table[at])
	if wanted > here {
		if reference*int32(table[at+1])-wanted < wanted-here {
			at++
		}
	} else if wanted-reference*int32(table[at-1]) <= here-wanted {
		at--
	}
	at = min(at, last)
	return int32(int16((reference*int32(table[at]) + 1<<13) >> 14)), int16(at)
}

// matchEnergy raises the first gain where the coded vector has less energy than
// its target (section 3.7).
func matchEnergy(index int16, gainQ14, coded, target int32) int16 {
	down := 16 - min(norm(coded), norm(target))
	wanted := scale16(target, -down) * int32(int16(gainQ14*gainQ14>>14))
	have := scale16(coded, -down)
	limit := (gainQ14 - 1) << 1
	best := index
	for i := int(index); i < len(gains5SquaredQ14); i++ {
		if have*int32(gains5SquaredQ14[i]) < wanted && int32(gains5Q14[best]) < limit {
			best = int16(i)
		}
	}
	return best
}
