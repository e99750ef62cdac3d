package isac

// rateModel asks for a smallest packet size now and then, so that the other
// side can measure the path (12.4).
type rateModel struct {
	exceeded   bool
	agoMs      int64 // since the rate was last exceeded
	burst      int   // packets still to be filled up
	init       int   // packets of the start-up
	bufferedMs int64 // of audio, at the bottleneck
}

const (
	startPackets    = 15
	startFilled     = 5        // the last of them are filled up
	startRateQ9     = 10240000 // 20 kbit/s
	burstIntervalMs = 800
	maxBufferedMs   = 2000
)

func (m *rateModel) reset() { *m = rateModel{init: startPackets, bufferedMs: 1} }

// minBytes returns the least size of a packet of the given samples, at a target
// rate and a delay.
func (m *rateModel) minBytes(samples, bps, delayMs int64) int {
	var rateQ9 int64
	switch {
	case m.init > 0:
		if m.init <= startFilled {
			rateQ9 = startRateQ9
		}
		m.init--
	case m.burst > 0:
		rateQ9 = m.burstRate(samples, bps, delayMs)
		m.burst--
	}
	return int((rateQ9 + 256) >> 9 * samples / 128000)
}

// burstRate returns the rate (Q9) of a packet inside a burst.
func (m *rateModel) burstRate(samples, bps, delayMs int64) int64 {
	if m.bufferedMs < (512-170)*delayMs>>9 {
		q := 4096 / (3 * samples)
		return (512 + 16*(delayMs*q>>3)) * bps
	}
	var rateQ9 int64
	q := 4096 / samples
	switch over := m.bufferedMs - delayMs; {
	case over < 0:
		rateQ9 = (512 + 16*(-over*q>>3)) * bps
	case 16*over >= samples:
		rateQ9 = 0
	default:
		rateQ9 = (512 - 16*over*q>>3) * bps
	}
	if rateQ9 < 532*bps {
		rateQ9 += 22 * bps
	}
	return rateQ9
}

// sent notes a packet of the channel-adaptive mode.
func (m *rateModel) sent(bytes int, samples, bps int64) {
	if 128000*int64(bytes)/samples > 517*bps>>9 {
		if m.exceeded {
			m.agoMs = max(0, m.agoMs-burstIntervalMs/2)
		} else {
			m.agoMs += samples / 16
			m.exceeded = true
		}
	} else {
		m.exceeded = false
		m.agoMs += samples / 16
	}
	if m.agoMs > burstIntervalMs && m.burst == 0 {
		m.burst = 3
		if m.exceeded {
			m.burst = 2
		}
	}
	m.note(bytes, samples, bps)
}

// note follows the bottleneck's queue.
func (m *rateModel) note(bytes int, samples, bps int64) {
	m.bufferedMs = min(max(m.bufferedMs+8000*int64(bytes)/bps-samples/16, 0), maxBufferedMs)
}
