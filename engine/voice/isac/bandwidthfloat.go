package isac

import "math"

// floatEstimator is the bandwidth estimator in single precision (13.5): it knows
// the rates of super-wideband too.
type floatEstimator struct {
	super             bool
	prevFrameMs       int
	prevSeq           uint16
	prevSend, prevArr uint32
	prevRate          float32
	lastUpd, lastRed  uint32
	packets           int
	count             int
	header            float32
	rec, recInv       float32
	recAvg, recAvgQ   float32
	jitter, jitterAbs float32
	jitterSign        float32
	maxDelay          float32
	maxDelayQ         float32
	sendAvg           float32
	sendDelay         float32
	wait, latePause   int
	lateCount         int
	lateSum           int64
	highSend, highRec bool
	runSend           int
}

func abs32(x float32) float32 { return float32(math.Abs(float64(x))) }

func floor32(x float32) float32 { return float32(math.Floor(float64(x))) }

// mix returns a·x + b·y, each product rounded: a fused multiply-add would make
// the result depend on the processor.
func mix(a, x, b, y float32) float32 { return float32(a*x) + float32(b*y) }

func headerRate(frameMs int) float32 { return 280000 / float32(frameMs) }

func (s *floatEstimator) reset(super bool) {
	rate, frame := float32(20000), 60
	if super {
		rate, frame = maxSuperRateBps, 30
	}
	h := headerRate(frame)
	*s = floatEstimator{
		super: super, prevFrameMs: frame, prevRate: 1, count: -startUpPackets, header: h,
		rec: rate, recAvgQ: rate, sendAvg: rate, recAvg: rate + h, recInv: 1 / (rate + h),
		jitter: 10, jitterAbs: 5, maxDelay: 10, maxDelayQ: 10, sendDelay: 10,
	}
}

// rate returns the target rate in bit/s and the delay in ms reported by the
// other side.
func (s *floatEstimator) rate() (bps, delayMs float32) {
	limit := float32(maxSuperRateBps)
	if !s.super {
		limit = maxRateBps
	}
	return min(max(s.sendAvg, minRateBps), limit), min(max(s.sendDelay, minDelayMs), maxDelayMs)
}

// heard takes in a bandwidth index; jitterHigh is the flag of the upper layer,
// or nil where there is none.
func (s *floatEstimator) heard(index int, jitterHigh *bool) {
	rates := bandwidthRatesSWB[:]
	high := jitterHigh != nil && *jitterHigh
	if !s.super {
		rates, high = bandwidthRatesWBFloat[:], index >= 12
		index %= 12
	}
	if !s.super || jitterHigh != nil {
		delay := float32(minDelayMs)
		if high {
			delay = maxDelayMs
		}
		s.sendDelay = mix(0.9, s.sendDelay, 0.1, delay)
	}
	s.sendAvg = mix(0.9, s.sendAvg, 0.1, rates[index])
	if s.sendAvg > 28000 {
		if s.runSend++; s.runSend >= highRateRun {
			s.highSend = true
		}
	} else {
		s.runSend = 0
	}
}

func (s *floatEstimator) settle(arrival uint32) {
	s.lastUpd, s.lastRed, s.packets = arrival, arrival+settleSamples, 0
}

// received takes in a packet, after its index has been heard.
func (s *floatEstimator) received(p receivedPacket) {
	if p.frameMs != s.prevFrameMs {
		s.header = headerRate(p.frameMs)
	}
	rate := 8000*float32(p.bytes)/float32(p.frameMs) + s.header
	if p.arrival < s.prevArr {
		s.settle(p.arrival)
		s.prevArr, s.prevFrameMs, s.prevRate, s.prevSeq = p.arrival, p.frameMs, rate, p.seq
		return
	}
	s.packets++
	cut := float32(0)
	if s.count <= 0 {
		s.settle(p.arrival)
		s.count++
	} else {
		cut = s.update(p, rate)
	}
	s.recInv = min(max(s.recInv, 1/(maxSuperRateBps+s.header)), 1/(minRateBps+s.header))
	s.maxDelay = 3 * s.jitter
	s.prevFrameMs, s.prevRate, s.prevSeq, s.prevArr, s.prevSend = p.frameMs, rate, p.seq, p.arrival, p.send
	s.rec = floor32(1/s.recInv - s.header)
	if cut != 0 {
		s.rec = max(minRateBps, floor32(cut*s.rec))
		s.recAvg, s.recAvgQ = s.rec+s.header, s.rec
		s.jitterSign = 0
		s.recInv = 1 / (s.rec + s.header)
		s.count, s.lateCount, s.lateSum = 1, 0, 0
	}
}

// update adapts the estimate after the start-up; it returns the factor of an
// immediate cut, or 0.
func (s *floatEstimator) update(p receivedPacket, rate float32) (cut float32) {
	s.wait = max(0, s.wait-1)
	s.latePause = max(0, s.latePause-1)
	frame := uint32(16 * p.frameMs)
	sendDiff := p.send - s.prevSend
	if sendDiff > 2*frame {
		s.settle(p.arrival)
	} else if p.arrival-s.lastUpd > settleSamples {
		expected := (p.arrival - s.lastUpd) / frame
		if float32(s.packets)/float32(expected) > 0.9 {
			s.recInv /= float32(math.Pow(0.99995, float64(p.arrival-s.lastRed)/16))
			if s.highSend && s.highRec {
				s.recInv = min(s.recInv, 0.000066)
			}
			s.lastRed = p.arrival
		} else {
			s.settle(p.arrival)
		}
	}
	if p.frameMs != s.prevFrameMs {
		s.count = 10
		s.recInv = 1 / (s.rec + s.header)
	}
	arrivalDiff := int64(p.arrival - s.prevArr)
	late := arrivalDiff - int64(frame)
	if sendDiff > 0 {
		late = arrivalDiff - int64(sendDiff)
	}
	if late > 0 && s.latePause == 0 {
		s.lateCount++
		s.lateSum += late
	} else {
		s.lateCount, s.lateSum = 0, 0
	}
	if s.lateCount > 50 {
		ms := float32(s.lateSum) / 16
		cut = float32(p.frameMs) / (float32(p.frameMs) + ms/float32(s.lateCount))
		s.latePause = int(ms / 30)
	}
	if int(p.seq) != int(s.prevSeq)+1 {
		return cut
	}
	if !(s.highSend && s.highRec) && arrivalDiff > int64(frame) && s.wait == 0 {
		if late > lateCutHard {
			cut, s.wait = 0.7, 55
		} else if late > lateCut {
			cut, s.wait = 0.8, 44
		}
	}
	if s.prevRate > s.recAvg && rate > s.recAvg && s.wait == 0 {
		s.measure(p, frame, arrivalDiff)
	}
	return cut
}

func (s *floatEstimator) measure(p receivedPacket, frame uint32, arrivalDiff int64) {
	w := float32(0.01)
	if s.count <= 99 {
		w = 1 / float32(s.count+1)
	}
	s.count++
	ad := float32(min(max(arrivalDiff, int64(frame)-160), int64(frame)+400))
	size := float32(p.bytes + headerBytes)
	current := max(ad/(size*128000), 1/(maxSuperRateBps+s.header))
	s.recInv = mix(w, current, 1-w, s.recInv)
	s.settle(p.arrival)
	noise := ad/16 - 8000*size/s.recAvg
	s.jitter = min(10, mix(w, abs32(noise), 1-w, s.jitter))
	s.jitterAbs = mix(0.05, abs32(noise), 0.95, s.jitterAbs)
	s.jitterSign = mix(0.05, noise, 0.95, s.jitterSign)
}

// index returns the bandwidth index and the jitter flag to send; it moves the
// averages. A wideband index holds the flag already.
func (s *floatEstimator) index() (index int, jitterHigh bool) {
	delay := min(max(floor32(s.maxDelay), minDelayMs), maxDelayMs)
	if q := float32(0.9 * s.maxDelayQ); q+2.5-delay > delay-q-0.5 {
		s.maxDelayQ = q + 0.5
	} else {
		s.maxDelayQ, jitterHigh = q+2.5, true
	}
	r := s.jitterSign / max(s.jitterAbs, 1e-9)
	rate := min(max(floor32(s.rec*(1-float32(r*(0.15+float32(0.15*r*r))))), minRateBps), maxSuperRateBps)
	rates := bandwidthRatesSWB[:]
	if !s.super {
		rates = bandwidthRatesWBFloat[:]
	}
	hi := 1
	for hi < len(rates)-1 && rate > rates[hi] {
		hi++
	}
	k := hi - 1
	q := float32(0.9 * s.recAvgQ)
	if abs32(q+float32(0.1*rates[hi])-rate) <= abs32(q+float32(0.1*rates[k])-rate) {
		k = hi
	}
	s.recAvgQ = q + float32(0.1*rates[k])
	s.recAvg = mix(0.9, s.recAvg, 0.1, rate+s.header)
	if !s.super && jitterHigh {
		k += 12
	}
	return k, jitterHigh
}
