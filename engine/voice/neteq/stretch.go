package neteq

import "github.com/edgecam/edgecam/engine/fixed"

const (
	// fadeMs is the cross-fade where a piece is taken out or put in.
	fadeMs = 6
	// A voice is stretched where it repeats itself as well as that, and where it is
	// urgent, as that.
	alikeQ14  = 14000 // 0.85
	urgentQ14 = 9830  // 0.6
	// slack is how far above the target nothing is done about it. What is that near
	// may drift as far as driftSlack: two cuts of a pause are heard less than four.
	// Up to speechSlack speech is left as it is.
	slack      = tick * 8 / 10
	driftSlack = 2 * slack
	// quietMs is how long it must have been quiet for what is not urgent.
	quietMs     = 30
	speechSlack = 4 * tick
)

func sat16(x int32) int16 { return fixed.Sat16(x) }

// stretch brings the playout nearer to its target.
func (q *NetEQ) stretch() {
	q.sinceStretch++
	if q.concealed > 0 {
		return
	}
	target := q.target()
	excess := q.playoutDelay() - target
	q.above = excess > driftSlack || excess > slack && (q.above || target < q.aimed)
	q.aimed = target
	switch {
	case q.above:
		q.accelerate(excess)
	case excess < -slack/2:
		q.decelerate(-excess)
	}
}

// spacing is how many blocks pass between stretches of speech.
func spacing(excess int64) int {
	switch {
	case excess > 20*tick:
		return 4
	case excess > 6*tick:
		return 8
	}
	return 15
}

// pauseMs is how much of a pause is taken out or put in at once: its length carries
// the rhythm of speech. What little a drift makes is done in one.
func pauseMs(excess int64) int {
	switch {
	case excess > 20*tick:
		return 30
	case excess > 6*tick, excess <= driftSlack+slack/2:
		return 20
	}
	return 10
}

// accelerate takes out samples before the end of what is decoded: in a pause as many
// as there are, in speech a pitch period.
func (q *NetEQ) accelerate(excess int64) {
	fade := fadeMs * q.rateHz / 1000
	want := int(excess / q.unit)
	wait := spacing(excess)
	if q.sinceStretch < wait {
		return
	}
	q.decodeAhead(min(want+fade+q.rateHz/100, aheadMs*q.rateHz/1000))
	n := q.future() - fade
	if n <= 0 {
		return
	}
	at := len(q.buf) - fade
	cut := min(want, n, pauseMs(excess)*q.rateHz/1000)
	from := at - cut
	if excess < speechSlack {
		from -= quietMs * q.rateHz / 1000 // it is not urgent
	}
	if cut >= q.rateHz/500 && q.background.pause(q.buf[max(from, 0):]) {
		q.cut(cut, fade)
		return
	}
	if excess < speechSlack {
		return
	}
	lag, corr := q.forward.pitch.find(q.buf[len(q.buf)-min(q.forward.pitch.span(), len(q.buf)):])
	need := int32(alikeQ14)
	if q.sinceStretch > 2*wait || excess > 20*tick {
		need = urgentQ14
	}
	if lag > n || corr < need {
		return
	}
	q.cut(lag, fade)
}

// cut takes out lag samples: what is lag and a fade before the end is led over into
// the last fade samples.
func (q *NetEQ) cut(lag, fade int) {
	end := len(q.buf)
	from, to := q.buf[end-fade-lag:end-lag], q.buf[end-fade:]
	crossFade(from, to)
	q.buf = q.buf[:end-lag]
	q.sinceStretch = 0
	q.stats.RemovedSamplesForAcceleration += uint64(lag)
}

// crossFade leads a over into b, in a.
func crossFade(a, b []int16) {
	n := int32(len(a))
	for i := range a {
		w := (int32(i) + 1) << 15 / (n + 1)
		a[i] = int16((int32(a[i])*(32768-w) + int32(b[i])*w) >> 15)
	}
}

// decodeAhead decodes packets that follow until so many samples wait.
func (q *NetEQ) decodeAhead(samples int) {
	for q.future() < samples {
		p := q.packets.first()
		if p == nil || p.pos != q.end || p.codec != q.cur {
			return
		}
		q.take(p, 0, false)
	}
}

// decelerate puts in a pitch period before the end, or what is wanted of a pause.
func (q *NetEQ) decelerate(missing int64) {
	fade := min(fadeMs*q.rateHz/1000, q.future())
	wait := spacing(missing)
	if q.sinceStretch < wait || fade < q.rateHz/500 {
		return
	}
	want := int(missing / q.unit)
	room := min(q.start+q.future()-fade, historyMs*q.rateHz/1000/2)
	if add := min(want, room, pauseMs(missing)*q.rateHz/1000); add >= q.rateHz/500 && q.background.pause(q.buf[len(q.buf)-fade-add:]) {
		q.insertCopy(add, fade)
		return
	}
	lag, corr := q.forward.pitch.find(q.buf[len(q.buf)-min(q.forward.pitch.span(), len(q.buf)):])
	need := int32(alikeQ14)
	if q.sinceStretch > 2*wait {
		need = urgentQ14
	}
	if lag > room || corr < need {
		return
	}
	q.insertCopy(lag, fade)
}

// insertCopy repeats the last lag samples: the end is led over into what is lag
// before it.
func (q *NetEQ) insertCopy(lag, fade int) {
	end := len(q.buf)
	tail := append(q.back[:0], q.buf[end-lag:]...)
	crossFade(q.buf[end-fade:], q.buf[end-fade-lag:end-lag])
	q.append(tail)
	q.sinceStretch = 0
	q.stats.InsertedSamplesForDeceleration += uint64(lag)
}
