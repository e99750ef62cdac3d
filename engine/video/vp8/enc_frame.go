package vp8

import (
	"math"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
)

// encodeFrame codes one picture that fits the current geometry.
func (e *Encoder) encodeFrame(pic *media.Picture, key bool, opt *FrameOptions) media.EncodedVideo {
	e.pool.begin()
	defer e.pool.end()
	e.load(pic)
	e.cur = e.takeFrame()
	layer := e.layers.next(key)
	e.base, e.resend = refLast, nil
	if !key {
		e.applyOptions(&layer, opt)
		if opt.PredictFrom != ReferenceNone {
			e.base = opt.PredictFrom.name()
			e.resend = &e.changes[e.base-refGolden]
		}
	}
	if opt.Store != ReferenceNone {
		e.managed = int(encManagedSeconds * e.rc.fps)
	}
	activity := e.analyse(key, opt.Noise)
	e.renewGolden(&layer)
	kind := rateInter
	if key {
		kind = rateKey
	}
	e.segment.count = 0
	if !key {
		e.planRefinement(e.rc.lastQ[rateInter], e.refineBudget())
	}
	e.chooseSegments(key)
	var estimate keyEstimate
	var q int
	if key {
		estimate = e.estimateKey()
		q = e.rc.keyQuantizer(&estimate)
	} else {
		q = e.rc.quantizer(activity)
	}
	e.again, e.passes = false, 0
	size := e.codeAt(key, q, layer)
	e.again = key
	if key {
		if better := e.rc.keyCorrected(&estimate, q, float64(size*8)); better != q {
			q = better
			size = e.codeAt(key, q, layer)
		}
	}
	// A frame far larger than the bucket can take is coded again: the model
	// had nothing to go by (a cut, a lamp switched on).
	for tries := 0; tries < 4 && q < e.rc.maxQ; tries++ {
		limit := e.rc.frameLimit(kind)
		if float64(size*8) <= limit {
			break
		}
		q = e.rc.coarser(q, float64(size*8), limit)
		size = e.codeAt(key, q, layer)
	}
	moving, spent := size*8, 0.0
	if e.segment.count > 0 && !key {
		total, refined := e.tally.allTokens, e.tally.refineTokens
		bits := float64(size*8) * float64(refined) / float64(max(total, 1))
		s := &e.segment
		s.bitsPerMB += (max(bits/float64(s.count), 4) - s.bitsPerMB) / 4
		moving -= int(bits)
		spent = bits
	}
	if !key {
		e.rc.reserve(spent)
	}
	if key {
		e.rc.learnKey(q)
	} else {
		e.rc.learn(q, activity, moving)
	}
	e.rc.account(size * 8)
	e.finishFrame(key, layer)
	e.last.Quantizer, e.last.FilterLevel, e.last.Bytes, e.last.Key = q, e.header.filterLevel, size, key
	e.last.Backlog, e.last.NoiseQ4 = e.rc.backlog(), e.noise.varianceQ4
	if !key {
		e.last.Stored, e.last.PredictedFrom = opt.Store, opt.PredictFrom
		e.last.Renewed = layer.copyToGolden == encCopyLast
	}
	e.last.Speed = e.speed.level
	e.last.Refined, e.last.RefineQuantizer = e.segment.count, e.segment.refineQ
	return media.EncodedVideo{
		Data: e.out, Key: key, Width: e.width, Height: e.height,
		TemporalID: layer.id, LayerSync: layer.sync, NonReference: !layer.updatesAny(),
	}
}

// codeAt codes the current picture with quantiser index q into e.out and
// returns the size in bytes. It may be called again for the same picture.
func (e *Encoder) codeAt(key bool, q int, layer layerFrame) int {
	e.passes++
	h := &e.header
	base := e.entropyBefore(key)
	*h = encHeader{
		key: key, show: true, width: e.width, height: e.height, q: q,
		deltasEnabled: true, updateDeltas: key,
		refDeltas: encRefDeltas, modeDeltas: encModeDeltas,
		refreshEntropy: key || layer.refreshLast && e.cfg.IntraRefresh == 0, refreshLast: layer.refreshLast || key,
		refreshGolden: layer.refreshGolden, refreshAltRef: layer.refreshAltRef,
		copyToGolden: layer.copyToGolden, copyToAltRef: layer.copyToAltRef,
		entropy: base, previous: base, resend: e.resend,
	}
	e.chooseFilter(h)
	if !key {
		e.chooseDeltas(h, &e.tally)
	}
	e.fillSegments(h)
	e.prepareQuantizers(h)
	e.lambda = newLambdas(q, e.speed.goodShare)
	e.fillFilterTable(h)
	e.pool.code(e)
	return e.write()
}

// entropyBefore is what the decoder holds before the frame.
func (e *Encoder) entropyBefore(key bool) entropy {
	base := e.entropy
	if key {
		base.reset()
	}
	return base
}

// fillPrices makes the tables of prices of the coming frame.
func (e *Encoder) fillPrices(key bool) {
	base := e.entropyBefore(key)
	if e.mvCostsOf != base.mv {
		e.mvCosts.fill(&base.mv)
		e.mvCostsOf = base.mv
	}
	if !key {
		e.intraCosts = encCodeCosts(encYModeCodes, base.yMode[:])
		e.intraUVCosts = encCodeCosts(encUVModeCodes, base.uvMode[:])
	}
	e.tokens.fill(&base.coeff)
}

// choose sets the frame's probabilities from the workers' counts, and the number
// of token partitions.
func (e *Encoder) choose() {
	h := &e.header
	total := &e.tally
	for i := range e.pool.scratch {
		t := &e.pool.scratch[i].tally
		if i == 0 {
			*total = *t
		} else {
			total.add(t)
		}
		*t = encTally{}
	}
	e.last = EncodeInfo{
		Static: int(total.static), Intra: int(total.refs[refIntra]), Split: int(total.split),
		Inter: int(total.refs[refLast]+total.refs[refGolden]+total.refs[refAltRef]) - int(total.static),
	}
	h.chooseCoeffProbs(&total.counts)
	if !h.key {
		h.chooseMVProbs(&total.mv)
		h.chooseModeProbs(&total.yModes, &total.uvModes)
	}
	n := uint32(e.mbW * e.mbH)
	h.probSkip = encBestProb([2]uint32{total.coded, n - total.coded})
	h.probIntra = encBestProb([2]uint32{total.refs[refIntra], n - total.refs[refIntra]})
	h.probLast = encBestProb([2]uint32{total.refs[refLast], total.refs[refGolden] + total.refs[refAltRef]})
	h.probGolden = encBestProb([2]uint32{total.refs[refGolden], total.refs[refAltRef]})
	e.probs = encFlatProbs(&h.entropy.coeff)
	h.log2Partitions = e.partitions()
}

// write makes the frame's bytes from the rows' tokens and the workers' counts.
func (e *Encoder) write() int {
	e.pool.pack(e)
	parts := 1 << e.header.log2Partitions
	e.out = append(e.out[:0], e.firstPart...)
	for p := range parts - 1 {
		n := len(e.parts[p])
		e.out = append(e.out, byte(n), byte(n>>8), byte(n>>16))
	}
	for p := range parts {
		e.out = append(e.out, e.parts[p]...)
	}
	return len(e.out)
}

// packPart writes a token partition or, behind them, the first partition.
func (e *Encoder) packPart(p int) {
	h := &e.header
	var w boolWriter
	parts := 1 << h.log2Partitions
	if p < parts {
		w.reset(e.parts[p][:0])
		for y := p; y < e.mbH; y += 1 << h.log2Partitions {
			w.putTokens(e.rows[y].tokens, &e.probs)
		}
		e.parts[p] = w.finish()
		return
	}
	tag := encFrameTagSize(h.key)
	w.reset(e.firstPart[:tag])
	w.putHeader(h)
	for y := range e.mbH {
		e.putRowModes(&w, y)
	}
	e.firstPart = w.finish()
	h.putTag(e.firstPart, len(e.firstPart)-tag)
}

// putRowModes writes the modes of a row of macroblocks.
func (e *Encoder) putRowModes(w *boolWriter, y int) {
	h := &e.header
	rows := e.mbs[y*e.mbStride:][:2*e.mbStride]
	above, row := rows[:e.mbStride], rows[e.mbStride:]
	for x := 1; x < len(row) && x < len(above); x++ {
		m := &row[x]
		if h.updateMap {
			w.putSegment(m.segment, &h.segmentProbs)
		}
		if !h.key && m.yMode == modeZero && m.nb.ref == refLast {
			w.putZero(h, m, &above[x], &row[x-1], &above[x-1])
			continue
		}
		w.step(m.noCoeffs, h.probSkip)
		if h.key {
			w.room()
			w.putKeyModes(m, &above[x], &row[x-1])
			continue
		}
		w.putInterModes(h, m, &above[x], &row[x-1], &above[x-1])
	}
}

// finishFrame moves the reference names as the header
// told the decoder to.
func (e *Encoder) finishFrame(key bool, layer layerFrame) {
	h := &e.header
	if h.refreshEntropy {
		e.entropy = h.entropy
	}
	e.keepSegments(h)
	if e.zeroDelta = h.modeDeltas[encZeroDelta]; e.partial() {
		e.zeroDelta = encZeroUnknown
	}
	e.trackReferences(h)
	oldGolden, oldAlt := e.refs[refGolden], e.refs[refAltRef]
	switch {
	case key || h.refreshGolden:
		e.refs[refGolden] = e.cur
	case h.copyToGolden == encCopyLast:
		e.refs[refGolden] = e.refs[refLast]
	case h.copyToGolden == encCopyOther:
		e.refs[refGolden] = oldAlt
	}
	switch {
	case key || h.refreshAltRef:
		e.refs[refAltRef] = e.cur
	case h.copyToAltRef == encCopyLast:
		e.refs[refAltRef] = e.refs[refLast]
	case h.copyToAltRef == encCopyOther:
		e.refs[refAltRef] = oldGolden
	}
	if h.refreshLast {
		e.refs[refLast] = e.cur
	}
	e.lastFrame = e.cur
	e.input = encInput{} // the caller's again
	e.frames++
	e.sinceKey++
	if key {
		e.sinceKey, e.wantKey = 1, false
	}
}

func encPSNR(a, b *media.Picture) float64 {
	sse := dsp.SSEPlane(a.Y, a.YStride, b.Y, b.YStride, b.Width, b.Height)
	if sse == 0 {
		return 100
	}
	return 10 * math.Log10(255*255*float64(b.Width*b.Height)/float64(sse))
}

func encFlatProbs(p *coeffProbs) (f [128][16]uint8) {
	for t := range p {
		for b := range p[t] {
			for c := range p[t][b] {
				copy(f[(t*numCoeffBands+b)*numCoeffContexts+c][:], p[t][b][c][:])
			}
		}
	}
	return f
}
