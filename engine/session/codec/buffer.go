package codec

import (
	"errors"
	"fmt"

	"github.com/edgecam/edgecam/engine/voice/cn"
	"github.com/edgecam/edgecam/engine/voice/neteq"
	"github.com/edgecam/edgecam/engine/voice/resample"
)

// Buffer is the receive buffer of one voice in one format.
type Buffer struct {
	*neteq.NetEQ
}

// NewBuffer returns an empty receive buffer for a format and what goes with it.
// onEvent, unless nil, is told of keys by the goroutine that inserts.
func NewBuffer(f Format, t Types, onEvent func(neteq.Event)) (*Buffer, error) {
	dec, err := NewNativeDecoder(f)
	if err != nil {
		return nil, err
	}
	q := neteq.NewMulti(neteq.Config{
		NewResampler: func(from, to int) (neteq.Resampler, error) { return resample.New(from, to) },
		OnEvent:      onEvent,
	})
	c := neteq.Codec{Decoder: dec, ClockHz: f.ClockHz()}
	switch f.Name {
	case Opus, ISAC32, ISAC16, ILBC30, ILBC20:
		c.OwnConcealment = true // they know more of the signal than its samples
	}
	err = q.Register(t.Voice, c)
	if t.Noise != 0 {
		// Descriptions are of noise at the codec's own rate.
		noise, nerr := cn.NewDecoder(dec.RateHz())
		if nerr == nil {
			nerr = q.RegisterComfortNoise(t.Noise, noise, f.ClockHz())
		}
		err = errors.Join(err, nerr)
	}
	if t.Event != 0 {
		err = errors.Join(err, q.RegisterEvents(t.Event, f.ClockHz()))
	}
	if t.RED != 0 {
		err = errors.Join(err, q.RegisterRED(t.RED))
	}
	if err != nil {
		return nil, fmt.Errorf("codec: %s: %w", f, err)
	}
	return &Buffer{q}, nil
}
