package isac

// floatRateModel is the rate model in floating point (12.4).
type floatRateModel struct {
	exceeded   bool
	agoMs      float64
	burst      int
	init       int
	bufferedMs float64
}

const (
	startRateBps         = 20000
	floatBurstIntervalMs = 500
)

func (m *floatRateModel) reset() { *m = floatRateModel{init: startPackets, bufferedMs: 1} }

// minBytes returns the least size of a packet of the given samples at 16 kHz.
func (m *floatRateModel) minBytes(samples, bps, delayMs float64) int {
	var rate float64
	switch {
	case m.init > 0:
		if m.init <= startFilled {
			rate = startRateBps
		}
		m.init--
	case m.burst > 0:
		if m.bufferedMs < delayMs*2/3 {
			rate = (1 + 16*delayMs/(3*samples)) * bps
		} else {
			rate = max(1.04, 1+16*(delayMs-m.bufferedMs)/samples) * bps
		}
		m.burst--
	}
	return int(rate * samples / 128000)
}

// sent notes a packet of the channel-adaptive mode.
func (m *floatRateModel) sent(bytes int, samples, bps float64) {
	ms := samples / 16
	if 128000*float64(bytes)/samples > 1.01*bps {
		if m.exceeded {
			m.agoMs = max(0, m.agoMs-floatBurstIntervalMs/2)
		} else {
			m.agoMs += ms
			m.exceeded = true
		}
	} else {
		m.exceeded = false
		m.agoMs += ms
	}
	if m.agoMs > floatBurstIntervalMs && m.burst == 0 {
		m.burst = 3
		if m.exceeded {
			m.burst = 2
		}
	}
	m.note(bytes, samples, bps)
}

// note follows the bottleneck's queue.
func (m *floatRateModel) note(bytes int, samples, bps float64) {
	m.bufferedMs = max(0, m.bufferedMs+8000*float64(bytes)/bps-samples/16)
}
