package codec

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/voice/neteq"
	"github.com/edgecam/edgecam/engine/voice/resample"
)

// payloadType stands for the format in a receive buffer of its own.
const payloadType = 0

// Buffer is the receive buffer of one voice in one format.
type Buffer struct {
	*neteq.NetEQ
}

// NewBuffer returns an empty receive buffer for a format.
func NewBuffer(f Format) (*Buffer, error) {
	dec, err := NewNativeDecoder(f)
	if err != nil {
		return nil, err
	}
	q := neteq.NewMulti(neteq.Config{NewResampler: func(from, to int) (neteq.Resampler, error) { return resample.New(from, to) }})
	c := neteq.Codec{Decoder: dec, ClockHz: f.ClockHz()}
	switch f.Name {
	case Opus, ISAC32, ISAC16, ILBC30, ILBC20:
		c.OwnConcealment = true // they know more of the signal than its samples
	}
	if err := q.Register(payloadType, c); err != nil {
		return nil, fmt.Errorf("codec: %s: %w", f, err)
	}
	return &Buffer{q}, nil
}

// Insert takes a packet off the network, with its RTP timestamp as it came.
func (b *Buffer) Insert(seq uint16, timestamp uint32, payload []byte) {
	b.InsertPacket(neteq.Packet{SequenceNumber: seq, Timestamp: timestamp, PayloadType: payloadType, Payload: payload})
}
