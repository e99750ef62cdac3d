package isac

// Constants of the bandwidth estimator (13). Times are samples at 16 kHz.
const (
	headerBytes    = 35 // assumed per packet
	minRateBps     = 10000
	maxRateBps     = 32000
	minDelayMs     = 5
	maxDelayMs     = 25
	settleSamples  = 48000  // 3 s without an update until the estimate sinks
	holdSamples    = 24000  // 1.5 s without updates after a sharp cut
	maxSinkSamples = 208000 // 13 s
	lateCut        = 5120   // 320 ms late: cut the estimate
	lateCutHard    = 8000   // 500 ms late: cut it harder
	startUpPackets = 9      // packets that only set the clock
	highRateRun    = 66     // packets at a high rate until it counts as stable
)

// receivedPacket is what the estimator learns of a packet.
type receivedPacket struct {
	seq            uint16
	frameMs        int
	send, arrival  uint32 // samples at 16 kHz
	bytes          int
	bandwidthIndex int
}

// estimator estimates the rate and the delay of the path toward this side, in
// integers (13.1-13.4), and keeps what the other side says about its own.
type estimator struct {
	prevFrameMs       int
	prevSeq           uint16
	prevSend, prevArr uint32
	prevRate          uint32
	lastUpd, lastRed  uint32
	packets           uint32
	count             int
	headerBps         int32
	recBps            int32
	recInvQ30         uint32
	recAvgQ5          uint32
	recAvgQ7          int64
	minInv, maxInv    uint32
	jitterQ15         int32
	jitterSignQ13     int32
	jitterAbsQ13      int32
	maxDelayQ15       int32
	maxDelayQ9        int32
	sendAvgQ7         int32
	sendDelayQ9       int32
	waiting           bool
	waitStart         uint32
	highSend, highRec bool
	runSend, runRec   int
}

func (s *estimator) reset() {
	*s = estimator{
		prevFrameMs: 60, prevRate: 1, count: -startUpPackets,
		headerBps: 4666, recBps: 20000, recInvQ30: 43531,
		recAvgQ5: 789312, recAvgQ7: 2560000,
		minInv: 73213, maxInv: 29284,
		jitterQ15: 327680, jitterAbsQ13: 40960,
		maxDelayQ15: 10, maxDelayQ9: 5120,
		sendAvgQ7: 2560000, sendDelayQ9: 5120,
	}
}

// rate returns the target rate in bit/s and the delay in ms that the other side
// reports for the path toward it (13.3).
func (s *estimator) rate() (bps, delayMs int32) {
	return min(max(s.sendAvgQ7>>7, minRateBps), maxRateBps), min(max(s.sendDelayQ9>>9, minDelayMs), maxDelayMs)
}

// heard takes in a received bandwidth index (13.3).
func (s *estimator) heard(index int) {
	delay := int32(minDelayMs)
	if index >= 12 {
		delay = maxDelayMs
	}
	s.sendDelayQ9 = (461*s.sendDelayQ9 + 51*512*delay) >> 9
	s.sendAvgQ7 = int32((461*int64(s.sendAvgQ7) + 51*128*int64(bandwidthRatesWB[index%12])) >> 9)
	if s.sendAvgQ7>>7 > 28000 {
		if s.runSend++; s.runSend >= highRateRun {
			s.highSend = true
		}
	} else {
		s.runSend = 0
	}
}

// settle begins a new period without updates.
func (s *estimator) settle(arrival uint32) {
	s.lastUpd, s.lastRed, s.packets = arrival, arrival+settleSamples, 0
}

// received takes in a packet (13.2).
func (s *estimator) received(p receivedPacket) {
	s.heard(p.bandwidthIndex)
	frame := uint32(16 * p.frameMs)
	if p.frameMs != s.prevFrameMs && s.count > 0 {
		s.count = 10
		if p.frameMs == 60 {
			s.headerBps, s.maxInv, s.minInv = 4666, 29284, 73213
		} else {
			s.headerBps, s.maxInv, s.minInv = 9333, 25978, 55539
		}
		s.recInvQ30 = uint32(1 << 30 / (s.recBps + s.headerBps))
	}
	shift := 14
	if p.frameMs == 60 {
		shift = 15
	}
	rate := uint32(uint16(int64(4369000)*int64(p.bytes)>>shift + int64(s.headerBps)))
	if p.arrival < s.prevArr {
		s.settle(p.arrival)
		s.prevArr, s.prevFrameMs, s.prevRate, s.prevSeq = p.arrival, p.frameMs, rate, p.seq
		return
	}
	s.packets++
	cutQ10 := int32(0)
	if s.count <= 0 {
		s.settle(p.arrival)
		s.count++
	} else {
		cutQ10 = s.update(p, frame, rate)
	}
	s.recInvQ30 = min(max(s.recInvQ30, s.maxInv), s.minInv)
	if s.prevArr != 1<<32-1 {
		s.maxDelayQ15 = 3 * s.jitterQ15
	}
	s.prevFrameMs, s.prevRate, s.prevSeq, s.prevArr, s.prevSend = p.frameMs, rate, p.seq, p.arrival, p.send
	s.recBps = int32(1<<30/s.recInvQ30) - s.headerBps
	if cutQ10 != 0 {
		s.recBps = max(minRateBps, cutQ10*s.recBps>>10)
		s.recAvgQ5 = uint32(32 * (s.recBps + s.headerBps))
		s.recAvgQ7 = 128 * int64(s.recBps)
		s.jitterSignQ13 = 0
		s.recInvQ30 = uint32(1 << 30 / (s.recBps + s.headerBps))
	}
}

// update adapts the estimate to a packet after the start-up; it returns the
// factor (Q10) of an immediate cut, or 0.
func (s *estimator) update(p receivedPacket, frame, rate uint32) (cutQ10 int32) {
	if s.waiting && p.arrival-s.waitStart > holdSamples {
		s.waiting = false
	}
	sendDiff := int32(p.send - s.prevSend)
	switch {
	case sendDiff > int32(2*frame):
		s.settle(p.arrival)
	case p.arrival-s.lastUpd > settleSamples:
		s.sink(p.arrival, frame)
	}
	if int(p.seq) != int(s.prevSeq)+1 {
		return 0
	}
	arrivalDiff := int32(p.arrival - s.prevArr)
	if !(s.highSend && s.highRec) && arrivalDiff > int32(frame) {
		late := arrivalDiff - int32(frame)
		if sendDiff > 0 {
			late = arrivalDiff - sendDiff - int32(2*frame)
		}
		if late > lateCutHard {
			cutQ10 = 717
		} else if late > lateCut {
			cutQ10 = 819
		}
		if cutQ10 != 0 {
			s.waiting, s.waitStart = true, p.arrival
		}
	}
	if s.prevRate > s.recAvgQ5>>5 && rate > s.recAvgQ5>>5 && !s.waiting {
		s.measure(p, int32(frame), arrivalDiff)
	}
	return cutQ10
}

// sink lets the estimate fall when packets come but none was large enough to
// measure with.
func (s *estimator) sink(arrival, frame uint32) {
	expected := (arrival - s.lastUpd) / frame
	if 1024*s.packets <= 922*expected {
		s.settle(arrival)
		return
	}
	x := 76 * min(arrival-s.lastRed, maxSinkSamples)
	if factor := (1<<24 + x&(1<<24-1)) >> (x >> 24) >> 11; factor != 0 {
		s.recInvQ30 = s.recInvQ30 * factor >> 13
	} else {
		s.recInvQ30 = (1<<30 + 12333) / 24666
	}
	s.lastRed = arrival
}

// measure updates the estimate by a packet that followed another without loss.
func (s *estimator) measure(p receivedPacket, frame, arrivalDiff int32) {
	weightQ13 := int32(82)
	if s.count <= 99 {
		c := int32(s.count) + 1
		weightQ13 = (8192 + c>>1) / c
	}
	s.count++
	arrivalDiff = min(max(arrivalDiff, frame-160), frame+400)
	size := int32(p.bytes + headerBytes)
	inverse := (1<<19 + size>>1) / size
	scaled := 8389 * arrivalDiff
	current := (scaled>>15*inverse + scaled&0x7FFF*inverse>>15) >> 4
	current = min(max(current, int32(s.maxInv)), int32(s.minInv))
	s.recInvQ30 = (uint32(weightQ13)*uint32(current) + uint32(8192-weightQ13)*s.recInvQ30) >> 13
	s.settle(p.arrival)

	perByte := int64(8000*((1<<31+s.recAvgQ5/2)/s.recAvgQ5)) >> 4
	projectedQ10 := int32(int64(size) * perByte >> 12)
	noise := 64*arrivalDiff - projectedQ10
	magnitude := max(noise, -noise)
	w := weightQ13 >> 3
	s.jitterQ15 = min(10<<15, (w*32*magnitude+(1024-w)*s.jitterQ15)>>10)
	s.jitterAbsQ13 = (51*8*magnitude + 973*s.jitterAbsQ13) >> 10
	s.jitterSignQ13 = (205*8*noise + 3891*s.jitterSignQ13) / (1 << 12)
}

// index returns the bandwidth index to send. It is asked once per packet and
// moves the averages (13.4).
func (s *estimator) index() int {
	inverse := int64(1<<31) / int64(max(s.jitterAbsQ13, 1))
	j := int32(int64(s.jitterSignQ13>>4) * inverse / (1 << 19))
	t := 9830 + 38*j*j>>8
	adjust := (65536 - j*t>>8) >> 2
	if j < 0 {
		adjust = (65536 + -j*t>>8) >> 2
	}
	rate := min(max(int32(int64(s.recBps)*int64(adjust)>>14), minRateBps), maxRateBps)
	s.recAvgQ5 = (922*s.recAvgQ5 + 102*32*uint32(rate+s.headerBps)) >> 10

	k := 1
	for k < 11 && rate > bandwidthRatesWB[k] {
		k++
	}
	x := 461*s.recAvgQ7 - 25*s.recAvgQ7>>7
	y := int64(rate) << 16
	if x+int64(bandwidthTenthQ16[k])-y > y-x-int64(bandwidthTenthQ16[k-1]) {
		k--
	}
	s.recAvgQ7 = (x + int64(bandwidthTenthQ16[k])) >> 9
	if s.recAvgQ7 > 28000<<7 {
		if s.runRec++; s.runRec >= highRateRun {
			s.highRec = true
		}
	} else {
		s.runRec = 0
	}

	delay := min(max(s.maxDelayQ15>>15, minDelayMs), maxDelayMs) << 18
	d := 461 * s.maxDelayQ9
	if d+652800-delay > delay-d-130560 {
		s.maxDelayQ9 = (d + 130560) >> 9
		return k
	}
	s.maxDelayQ9 = (d + 652800) >> 9
	return k + 12
}
