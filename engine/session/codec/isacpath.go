package codec

import (
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/voice/isac"
)

// isacPath tells an encoder of iSAC of what the other side sends.
type isacPath struct {
	enc interface {
		Received(payload []byte, seq uint16, send, arrival uint32) error
		Stats() isac.EncoderStats
	}
	rateHz int64 // of RTP timestamps and of the arrival's
	epoch  time.Time
	mu     sync.Mutex // guards the encoder
}

func newISACPath(enc interface {
	Received(payload []byte, seq uint16, send, arrival uint32) error
	Stats() isac.EncoderStats
}, rateHz int,
) *isacPath {
	return &isacPath{enc: enc, rateHz: int64(rateHz)}
}

func (p *isacPath) received(payload []byte, seq uint16, timestamp uint32, arrived time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoch.IsZero() {
		p.epoch = arrived
	}
	d := arrived.Sub(p.epoch)
	ticks := int64(d/time.Second)*p.rateHz + int64(d%time.Second)*p.rateHz/int64(time.Second)
	// What is malformed is counted where it is to be played.
	_ = p.enc.Received(payload, seq, timestamp, uint32(ticks))
}

func (p *isacPath) estimate() (receiveBps, sendBps int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.enc.Stats().Estimate
	return e.ReceiveBps, e.SendBps
}
