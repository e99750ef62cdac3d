package codec

import (
	"fmt"
	"time"

	"github.com/edgecam/edgecam/engine/voice/cn"
)

const (
	// silenceAfter is how long voice goes on after the last speech: the end of a
	// word is not cut, and the background is learnt.
	silenceAfter = 200 * time.Millisecond
	// noiseEvery is how often the background is described.
	noiseEvery = 400 * time.Millisecond
	// noiseOrder is that of the description's filter: good at 8 kHz.
	noiseOrder = 5
)

// silence describes the background while nobody speaks, on the word of a
// detector of voice activity (RFC 3389 section 5).
type silence struct {
	enc    *cn.Encoder
	length time.Duration // of a frame
	speech bool
	quiet  time.Duration // since the last speech
	rest   time.Duration // since the last description
	silent bool          // voice is being left out
	first  bool          // the frame is the first of voice after silence
}

func newSilence(rateHz, frame int) (*silence, error) {
	enc, err := cn.NewEncoder(cn.EncoderConfig{RateHz: rateHz, Order: noiseOrder})
	if err != nil {
		return nil, fmt.Errorf("comfort noise: %w", err)
	}
	if frame < enc.FrameSamples() {
		return nil, fmt.Errorf("comfort noise: frames of %d samples, must be %d or more", frame, enc.FrameSamples())
	}
	// Until a detector says otherwise, everything is speech.
	return &silence{enc: enc, length: time.Duration(frame) * time.Second / time.Duration(rateHz), speech: true}, nil
}

func (s *silence) maxBytes() int { return s.enc.MaxPacketBytes() }

func (s *silence) setSpeech(on bool) { s.speech = on }

// frame takes a frame. If it need not be coded, take is true, and n the length
// of the description to be sent, 0 for none.
func (s *silence) frame(pcm []int16, packet []byte) (n int, take bool) {
	s.first = false
	if s.speech {
		s.first, s.silent, s.quiet = s.silent, false, 0
		return 0, false
	}
	if s.quiet == 0 {
		s.enc.Reset() // what was noise before may not be now
	}
	s.quiet += s.length
	n, err := s.enc.Encode(pcm[:s.enc.FrameSamples()], packet)
	if err != nil || s.quiet <= silenceAfter {
		return 0, false
	}
	if s.silent {
		if s.rest += s.length; s.rest < noiseEvery {
			return 0, true
		}
	}
	s.silent, s.rest = true, 0
	return n, true
}
