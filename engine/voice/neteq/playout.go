package neteq

const (
	// maxBacklog is how far above the target playout may begin: what is older is
	// not played any more.
	maxBacklog = unitHz / 2
	// A hole that is filled from both sides is at most maxBridgeMs long.
	maxBridgeMs = 60
	// mergeMs is the length of the cross-fade from concealment to the next packet.
	mergeMs = 5
	// maxSkip is how much of what came late is skipped rather than played late.
	maxSkip = unitHz * 120 / 1000
	// waitTicks is how long it is waited, after a packet came that is late as a
	// whole, for one that is not.
	waitTicks = 2
	// giveUpTicks is how many blocks are concealed before the voice counts as ended.
	giveUpTicks = 50
)

// begin starts playing when the first packet has waited for the target delay.
func (q *NetEQ) begin() {
	for {
		p := q.packets.first()
		if p == nil {
			return
		}
		if p.codec.noise != nil {
			// Noise has no place to wait for.
			if q.clock-q.delay.base-p.pos < q.target() {
				return
			}
			q.takeNoise(p)
			continue
		}
		late := q.clock - q.delay.base - p.pos
		if late < q.target() && !q.packets.full() {
			return
		}
		if next := q.packets.at(1); late > q.target()+maxBacklog && next != nil {
			q.packets.drop()
			q.stats.PacketsDiscarded++
			continue
		}
		q.end, q.content = p.pos, p.pos
		q.playing, q.noise, q.quietTicks = true, nil, 0
		q.heldTicks = 0
		q.lastSeq = p.seq - 1
		if q.future() == 0 && q.concealed == 0 {
			q.concealed = 1 // the join is smoothed
		}
		return
	}
}

// takeNoise begins comfort noise, or changes it.
func (q *NetEQ) takeNoise(p *entry) {
	if p.codec.noise.Update(p.payload) != nil {
		q.stats.DecodeErrors++
	} else if p.codec.rateHz == q.rateHz {
		q.noise, q.noiseTicks, q.quietTicks = p.codec, 0, 0
	}
	q.lastSeq = p.seq
	q.content = max(q.content, p.pos)
	q.packets.drop()
}

// fill sees to it that a block can be played: decoded, mended or concealed. When
// the voice has ended playing is false afterwards.
func (q *NetEQ) fill() {
	for q.playing && q.future() < q.rateHz/100 {
		p := q.packets.first()
		for p != nil && p.pos+max(p.length, 1) <= q.content {
			q.discard(p)
			p = q.packets.first()
		}
		if p == nil {
			q.conceal(q.rateHz/100 - q.future())
			continue
		}
		switch gap := int((p.pos - q.end) / q.unit); {
		case p.codec.noise != nil:
			if gap > 0 {
				q.conceal(min(gap, q.rateHz/100-q.future()))
				continue
			}
			q.takeNoise(p)
			q.stop()
		case gap == 0:
			q.take(p, 0, q.concealed > 0 && !p.codec.own)
		case gap > 0:
			q.gap(p, gap)
		default:
			q.late(p, q.end-p.pos)
		}
	}
}

// stop ends playing: what follows is noise or silence until begin.
func (q *NetEQ) stop() {
	q.playing, q.expanding, q.concealed, q.quietTicks = false, false, 0, 0
	q.background.syn.load(q.buf)
}

func (q *NetEQ) discard(p *entry) {
	if p.rank > 0 {
		q.stats.FECPacketsDiscarded++
	} else {
		q.stats.PacketsDiscarded++
	}
	q.packets.drop()
}

// decode decodes the first packet and removes it; nil if it cannot be decoded.
func (q *NetEQ) decode(p *entry) []int16 {
	q.use(p.codec)
	n, err := p.codec.dec.Decode(p.payload, q.scrap)
	if p.rank > 0 {
		q.stats.FECPacketsUsed++
	}
	waited := q.clock + int64(q.future())*q.unit - p.arrived
	q.lastSeq = p.seq
	q.packets.drop()
	if err != nil || n <= 0 || n > len(q.scrap) {
		q.stats.DecodeErrors++
		return nil
	}
	q.stats.JitterBufferEmittedCount += uint64(n)
	q.sums.waited += waited * int64(n)
	q.sums.target += q.target() * int64(n)
	q.sums.minimum += int64(q.delay.targetTick) * tick * int64(n)
	return q.scrap[:n]
}

// take decodes the first packet and appends it but for its first samples. Where it
// does not go on from what is before it, it is merged.
func (q *NetEQ) take(p *entry, without int, merge bool) {
	pos := p.pos
	x := q.decode(p)
	if x == nil {
		return
	}
	q.end = pos + int64(len(x))*q.unit
	x = x[min(without, len(x)):]
	if len(x) == 0 {
		q.end = q.content + int64(q.concealed)*q.unit
		return
	}
	if merge {
		q.merge(x)
	}
	q.append(x)
	q.resumed()
}

// resumed says that what is at the end of buf was sent.
func (q *NetEQ) resumed() {
	if ms := q.concealed * 1000 / q.rateHz; ms >= 150 {
		q.stats.InterruptionCount++
		q.stats.TotalInterruptionDuration += float64(q.concealed) / float64(q.rateHz)
	}
	q.content, q.concealed, q.expanding, q.heldTicks = q.end, 0, false, 0
}

func (q *NetEQ) append(x []int16) {
	if over := len(q.buf) + len(x) - cap(q.buf); over > 0 {
		// Cannot be while fill appends only what is missing; history gives way.
		cut := min(over, q.start)
		q.buf = q.buf[:copy(q.buf, q.buf[cut:])]
		q.start -= cut
	}
	q.buf = append(q.buf, x...)
}

// extend makes room for n samples at the end of buf and returns it.
func (q *NetEQ) extend(n int) []int16 {
	at := len(q.buf)
	q.buf = q.buf[:at+n]
	return q.buf[at:]
}

// gap fills what is missing before p, so many samples.
func (q *NetEQ) gap(p *entry, missing int) {
	c := p.codec
	lost := p.seq != q.lastSeq+1
	if lost && c.fec != nil && c == q.cur && (c.knowsFEC == nil || c.knowsFEC.HasFEC(p.payload)) {
		if q.mend(p, missing) {
			return
		}
	}
	if c.dec != nil && !c.own && missing <= maxBridgeMs*q.rateHz/1000 && c.rateHz == q.rateHz {
		q.bridge(p, missing)
		return
	}
	q.conceal(min(missing, q.rateHz/100))
}

// mend decodes the redundancy in p, which holds the last samples before it.
func (q *NetEQ) mend(p *entry, missing int) bool {
	n, err := p.codec.fec.DecodeFEC(p.payload, q.scrap)
	if err != nil || n <= 0 || n > missing && q.concealed == 0 {
		return false
	}
	if n < missing {
		// More than that is lost: the rest comes first, and this again.
		q.conceal(min(missing-n, q.rateHz/100))
		return true
	}
	q.stats.FECPacketsUsed++
	x := q.scrap[n-missing : n]
	if q.concealed > 0 && !p.codec.own {
		q.merge(x)
	}
	q.append(x)
	q.end = p.pos
	q.resumed()
	return true
}

// late decides about the first packet, which should have been played before what
// was concealed: so many samples too late.
func (q *NetEQ) late(p *entry, lag int64) {
	reach := false
	for _, o := range q.packets.order {
		if o.end() > q.end {
			reach = true
			break
		}
	}
	after := q.playoutDelay() + lag
	back := after <= q.target()+tick/2
	if reach {
		back = back || lag > maxSkip
	} else {
		back = back || lag > maxSkip/2 || q.heldTicks >= waitTicks
	}
	switch {
	case p.codec.dec == nil:
		q.discard(p)
	case back && after > q.target()+maxBacklog && q.packets.at(1) != nil:
		q.discard(p)
	case back:
		q.end = p.pos
		q.take(p, 0, true)
	case reach:
		q.skip(p, lag)
	default:
		q.heldTicks++
		q.conceal(q.rateHz/100 - q.future())
	}
}

// skip decodes the first packet for its decoder's sake and plays what is not late.
func (q *NetEQ) skip(p *entry, lag int64) {
	end, pos := q.end, p.pos
	x := q.decode(p)
	by := int(lag / q.unit)
	if len(x) <= by {
		q.stats.PacketsDiscarded++
		q.content = max(q.content, pos+int64(len(x))*q.unit)
		return
	}
	x = x[by:]
	q.merge(x)
	q.append(x)
	q.end = end + int64(len(x))*q.unit
	q.resumed()
}

// conceal appends n samples, at most a block, that stand in for what is not there.
func (q *NetEQ) conceal(n int) {
	if q.concealed == 0 {
		q.stats.ConcealmentEvents++
	}
	if q.concealed*100 > giveUpTicks*q.rateHz {
		q.stop()
		return
	}
	if q.cur != nil && q.cur.own && !q.expanding && gainQ15(q.concealed, q.rateHz) > 0 {
		m, err := q.cur.dec.Conceal(q.scrap)
		if err == nil && m > 0 && m <= len(q.scrap) {
			q.append(q.scrap[:m])
			q.concealedBy(m)
			return
		}
		q.stats.DecodeErrors++
	}
	q.startExpand()
	x := q.extend(n)
	q.forward.generate(x)
	mute(x, q.concealed, q.rateHz, &q.background)
	q.concealedBy(n)
}

func (q *NetEQ) concealedBy(n int) {
	q.conceals(n, gainQ15(q.concealed, q.rateHz) == 0)
	q.concealed += n
	q.end += int64(n) * q.unit
}

func (q *NetEQ) startExpand() {
	if q.expanding {
		return
	}
	q.expanding = true
	q.forward.start(q.buf[max(len(q.buf)-historyMs*q.rateHz/1000, 0):])
	q.background.syn.load(q.buf)
}

// merge leads the end of buf over into x: what would have come is cross-faded with
// the beginning of x.
func (q *NetEQ) merge(x []int16) {
	n := min(mergeMs*q.rateHz/1000, len(x))
	q.startExpand()
	y := q.back[:n]
	q.forward.generate(y)
	mute(y, q.concealed, q.rateHz, &q.background)
	for i := range y {
		w := int32(i+1) << 15 / int32(n+1)
		x[i] = int16((int32(y[i])*(32768-w) + int32(x[i])*w) >> 15)
	}
}

// bridge fills a hole from both of its sides: what went before is continued into it,
// what follows is continued backward, and one fades into the other.
func (q *NetEQ) bridge(p *entry, missing int) {
	pos := p.pos
	if q.concealed == 0 {
		q.stats.ConcealmentEvents++
	}
	q.startExpand()
	x := q.decode(p)
	if x == nil {
		q.conceal(min(missing, q.rateHz/100))
		return
	}
	// Backward: the packet's beginning, turned round.
	n := min(len(x), q.rateHz/40)
	turned := q.back[:n]
	for i := range turned {
		turned[i] = x[n-1-i]
	}
	q.backward.start(turned)
	b := q.back[:missing]
	q.backward.generate(b)
	f := q.extend(missing)
	q.forward.generate(f)
	mute(f, q.concealed, q.rateHz, &q.background)
	for i, j := 0, missing-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	alike := max(correlationQ14(f, b), 0)
	for i := range f {
		w := int32(i+1) << 15 / int32(missing+1)
		// Between amplitude and power complementary, as the two are alike.
		v := 32768 - w
		wf := (v*alike + fadeQ15(int(v), 32768)*(16384-alike)) >> 14
		wb := (w*alike + fadeQ15(int(w), 32768)*(16384-alike)) >> 14
		f[i] = sat16((int32(f[i])*wf + int32(b[i])*wb) >> 15)
	}
	q.concealedBy(missing)
	q.append(x)
	q.end = pos + int64(len(x))*q.unit
	q.resumed()
}
