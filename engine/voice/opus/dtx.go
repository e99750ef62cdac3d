package opus

import "time"

const (
	// dtxAfter is how long packets go on after the last speech: the end of a word
	// is not cut, and the receiver learns the background.
	dtxAfter = 200 * time.Millisecond
	// dtxRefresh is how often one packet is sent in silence: it brings the
	// receiver's comfort noise up to date (as libopus does itself).
	dtxRefresh = 400 * time.Millisecond
)

// dtx leaves packets out while nobody speaks, on the word of a detector of voice
// activity: discontinuous transmission (RFC 6716 section 2.1.9).
type dtx struct {
	told   bool // SetSpeech was called: its word counts
	speech bool
	quiet  time.Duration // since the last speech
	rest   time.Duration // since the last packet
	silent bool          // packets are being left out
	first  bool          // the packet now is the first after silence
}

// SetSpeech tells whether the blocks that follow hold speech. With
// EncoderConfig.DTX, packets without are left out from 200 ms after the last
// word on, but one every 400 ms.
func (e *Encoder) SetSpeech(speech bool) {
	e.dtx.told, e.dtx.speech = true, speech
	if speech {
		e.dtx.quiet = 0
	}
}

// send decides about a packet, n bytes long. A packet of one byte, its table of
// contents alone, tells the receiver at the start of silence that what follows
// was left out and not lost; it is sent as such where cut is set.
func (d *dtx) send() (send, cut bool) {
	d.first = false
	if !d.told {
		return true, false
	}
	if d.quiet < dtxAfter {
		d.first = d.silent
		d.silent, d.rest = false, 0
		d.quiet += PacketDuration
		return true, false
	}
	if !d.silent {
		d.silent, d.rest = true, 0
		return true, true
	}
	d.rest += PacketDuration
	switch {
	case d.rest == dtxRefresh:
		return true, false
	case d.rest > dtxRefresh:
		d.rest = 0
		return true, true
	}
	return false, false
}
