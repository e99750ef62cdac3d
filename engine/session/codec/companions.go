package codec

import (
	"strconv"
	"strings"
)

// Types are the RTP payload types that sound travels under in a session, 0 for
// what was not agreed on (but for Voice, where it is PCMU's).
type Types struct {
	Voice uint8
	// Noise describes the background in place of voice (RFC 3389), Event is for
	// keys (RFC 4733), RED for packets that carry earlier ones once more (RFC
	// 2198).
	Noise, Event, RED uint8
}

// Has reports whether a payload type is one of these.
func (t Types) Has(payloadType uint8) bool {
	return payloadType == t.Voice || payloadType != 0 && (payloadType == t.Noise || payloadType == t.Event || payloadType == t.RED)
}

// And returns what is in both.
func (t Types) And(o Types) Types {
	both := func(a, b uint8) uint8 {
		if a == b {
			return a
		}
		return 0
	}
	return Types{Voice: t.Voice, Noise: both(t.Noise, o.Noise), Event: both(t.Event, o.Event), RED: both(t.RED, o.RED)}
}

// Encoding names and payload types of what goes with voice codecs.
const (
	encodingCN    = "CN"
	encodingEvent = "telephone-event"
	encodingRED   = "red"

	typeCN          = 13 // RFC 3551 section 6
	typeEvent48000  = 110
	typeEvent8000   = 126
	typeRED48000    = 63
	typeRED8000     = 121
	keysOfEvents    = "0-15"
	clockOfKeysOpus = 48000
)

// Companions returns what a side that speaks the preferred codecs offers beside
// them: comfort noise if wanted, events and redundancy.
func Companions(preferred []Name, noise bool) []Parameters {
	var out []Parameters
	add := func(p Parameters) {
		for _, o := range out {
			if o.PayloadType == p.PayloadType {
				return
			}
		}
		out = append(out, p)
	}
	for _, name := range preferred {
		p, err := Lookup(name)
		if err != nil {
			continue
		}
		again := strconv.Itoa(int(p.PayloadType))
		again += "/" + again
		switch p.ClockHz {
		case clockOfKeysOpus:
			add(Parameters{Name: name, PayloadType: typeRED48000, Encoding: encodingRED, ClockHz: p.ClockHz, Channels: p.Channels, FMTP: again})
			add(Parameters{Name: name, PayloadType: typeEvent48000, Encoding: encodingEvent, ClockHz: p.ClockHz, FMTP: keysOfEvents})
		case 8000:
			add(Parameters{Name: name, PayloadType: typeRED8000, Encoding: encodingRED, ClockHz: p.ClockHz, FMTP: again})
			add(Parameters{Name: name, PayloadType: typeEvent8000, Encoding: encodingEvent, ClockHz: p.ClockHz, FMTP: keysOfEvents})
			if noise {
				add(Parameters{Name: name, PayloadType: typeCN, Encoding: encodingCN, ClockHz: p.ClockHz})
			}
		}
	}
	return out
}

// Agree finds, among what is offered, what goes with a codec that was chosen: it
// returns the payload types of all, and the parameters of the companions.
// Redundancy is taken where it holds that codec and nothing else.
func Agree(offered []Offered, voice Parameters) (t Types, companions []Parameters) {
	t.Voice = voice.PayloadType
	take := func(at *uint8, o Offered, fmtp string) {
		if *at != 0 || o.PayloadType == 0 || o.PayloadType == voice.PayloadType {
			return
		}
		*at = o.PayloadType
		channels := o.Channels
		if channels < 2 {
			channels = 0
		}
		companions = append(companions, Parameters{
			Name: voice.Name, PayloadType: o.PayloadType, Encoding: o.Encoding, ClockHz: o.ClockHz, Channels: channels, FMTP: fmtp,
		})
	}
	for _, o := range offered {
		if o.ClockHz != voice.ClockHz {
			continue
		}
		switch {
		case strings.EqualFold(o.Encoding, encodingCN) && voice.ClockHz == 8000:
			take(&t.Noise, o, "")
		case strings.EqualFold(o.Encoding, encodingEvent):
			take(&t.Event, o, keysOfEvents)
		case strings.EqualFold(o.Encoding, encodingRED) && max(o.Channels, 1) == max(voice.Channels, 1) && holdsOnly(o.FMTP, voice.PayloadType):
			take(&t.RED, o, o.FMTP)
		}
	}
	return t, companions
}

// holdsOnly reports whether the blocks of redundant audio are all of one payload
// type (section 5).
func holdsOnly(fmtp string, payloadType uint8) bool {
	parts := strings.Split(strings.TrimSpace(fmtp), "/")
	for _, p := range parts {
		if n, err := strconv.ParseUint(strings.TrimSpace(p), 10, 7); err != nil || uint8(n) != payloadType {
			return false
		}
	}
	return len(parts) > 1
}

// WithNoise returns the format with which a side speaks to one that understands
// comfort noise: silence is left out.
func (f Format) WithNoise() Format {
	switch f.Name {
	case PCMU, PCMA, ILBC20, ILBC30:
		f.DTX = true
	}
	return f
}
