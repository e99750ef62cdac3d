package neteq

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/media"
)

// codec is what a payload type stands for: one of dec, noise, events and red.
type codec struct {
	dec    Decoder
	fec    FECDecoder
	noise  ComfortNoise
	events bool
	red    bool
	// knowsFEC, unless nil, tells which packets have redundancy.
	knowsFEC interface{ HasFEC(packet []byte) bool }
	own      bool
	rateHz   int
	clockHz  int
}

func checkRate(rateHz int) error {
	if rateHz < 8000 || rateHz > media.EngineRateHz || rateHz%8000 != 0 || unitHz%rateHz != 0 {
		return fmt.Errorf("%w: rate of %d Hz, must be 8000, 16000, 24000, 32000 or 48000", ErrConfig, rateHz)
	}
	return nil
}

func newCodec(c Codec) (*codec, error) {
	if c.Decoder == nil {
		return nil, fmt.Errorf("%w: a codec needs a decoder", ErrConfig)
	}
	if err := checkRate(c.Decoder.RateHz()); err != nil {
		return nil, err
	}
	if c.ClockHz == 0 {
		c.ClockHz = c.Decoder.RateHz()
	}
	if err := checkRate(c.ClockHz); err != nil {
		return nil, err
	}
	fec, _ := c.Decoder.(FECDecoder)
	knows, _ := c.Decoder.(interface{ HasFEC(packet []byte) bool })
	return &codec{dec: c.Decoder, fec: fec, knowsFEC: knows, own: c.OwnConcealment, rateHz: c.Decoder.RateHz(), clockHz: c.ClockHz}, nil
}

// Register decodes packets of a payload type with a codec. Errors wrap ErrConfig.
func (q *NetEQ) Register(payloadType uint8, c Codec) error {
	n, err := newCodec(c)
	if err != nil {
		return err
	}
	return q.register(payloadType, n)
}

// RegisterComfortNoise takes packets of a payload type for descriptions of noise
// (RFC 3389).
func (q *NetEQ) RegisterComfortNoise(payloadType uint8, noise ComfortNoise, clockHz int) error {
	if noise == nil {
		return fmt.Errorf("%w: comfort noise needs a generator", ErrConfig)
	}
	if err := checkRate(noise.RateHz()); err != nil {
		return err
	}
	if err := checkRate(clockHz); err != nil {
		return err
	}
	return q.register(payloadType, &codec{noise: noise, rateHz: noise.RateHz(), clockHz: clockHz})
}

// RegisterEvents takes packets of a payload type for telephone events (RFC 4733).
func (q *NetEQ) RegisterEvents(payloadType uint8, clockHz int) error {
	if err := checkRate(clockHz); err != nil {
		return err
	}
	return q.register(payloadType, &codec{events: true, clockHz: clockHz})
}

// RegisterRED takes packets of a payload type for redundant audio (RFC 2198).
func (q *NetEQ) RegisterRED(payloadType uint8) error {
	return q.register(payloadType, &codec{red: true})
}

func (q *NetEQ) register(payloadType uint8, c *codec) error {
	if payloadType > 127 {
		return fmt.Errorf("%w: payload type %d, must be 0 to 127", ErrConfig, payloadType)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.codecs[payloadType] = c
	if q.cur == nil && c.dec != nil {
		q.use(c) // its rate is that of silence
	}
	return nil
}

func (q *NetEQ) codecOf(payloadType uint8) *codec {
	if c := q.codecs[payloadType&0x7f]; c != nil {
		return c
	}
	return q.any
}

// use makes c the codec that is decoded with. What was decoded before is brought to
// its rate.
func (q *NetEQ) use(c *codec) {
	if q.cur == c {
		return
	}
	q.cur = c
	if r, ok := c.dec.(interface{ Reset() }); ok {
		r.Reset()
	}
	if n := c.dec.MaxSamples(); n > cap(q.scrap) {
		q.scrap = make([]int16, n)
	} else {
		q.scrap = q.scrap[:cap(q.scrap)]
	}
	q.setRate(c.rateHz)
	if room := q.room(); cap(q.buf) < room {
		q.buf = append(make([]int16, 0, room), q.buf...)
	}
}

// room is the capacity buf needs: twice the history, what is ahead, and a packet.
func (q *NetEQ) room() int {
	return q.rateHz*(3*historyMs+2*aheadMs)/1000 + 2*len(q.scrap)
}

// setRate converts the history and what is still to be played.
func (q *NetEQ) setRate(rateHz int) {
	if q.rateHz == rateHz {
		return
	}
	old, oldRate, oldStart := q.buf, q.rateHz, q.start
	q.rateHz, q.unit = rateHz, int64(unitHz/rateHz)
	q.buf = make([]int16, 0, q.room())
	history := rateHz * historyMs / 1000
	q.buf = q.buf[:history]
	q.start = history
	if oldRate != 0 {
		past := min(oldStart, oldRate*historyMs/1000)
		kept := past * rateHz / oldRate
		interpolate(q.buf[history-kept:], old[oldStart-past:oldStart])
		ahead := (len(old) - oldStart) * rateHz / oldRate
		q.buf = q.buf[:history+min(ahead, cap(q.buf)-history)]
		interpolate(q.buf[history:], old[oldStart:])
	}
	q.back = make([]int16, max(rateHz*maxBridgeMs/1000, rateHz/10))
	q.forward.init(rateHz)
	q.backward.init(rateHz)
	q.expanding = false
	q.background.reset()
	q.resampler, q.resampleIn = nil, 0
}

// interpolate stretches src to the length of dst.
func interpolate(dst, src []int16) {
	if len(src) == 0 {
		clear(dst)
		return
	}
	for i := range dst {
		at := i * len(src) << 8 / len(dst)
		a, b := src[at>>8], src[min(at>>8+1, len(src)-1)]
		f := int32(at & 255)
		dst[i] = int16((int32(a)*(256-f) + int32(b)*f) >> 8)
	}
}

// convert brings samples from the current rate to 48 kHz.
func (q *NetEQ) convert(dst, src []int16) int {
	if q.rateHz == media.EngineRateHz && q.resampler == nil {
		return copy(dst, src)
	}
	if q.cfg.NewResampler != nil && q.resampleIn != q.rateHz {
		q.resampleIn = q.rateHz
		if r, err := q.cfg.NewResampler(q.rateHz, media.EngineRateHz); err == nil {
			q.resampler = r
		}
	}
	if q.resampler != nil {
		return q.resampler.Process(dst, src)
	}
	n := len(src) * media.EngineRateHz / q.rateHz
	interpolate(dst[:n], src)
	return n
}
