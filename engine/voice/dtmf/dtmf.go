// Package dtmf is telephone events in RTP (RFC 4733): keys that were pressed, and
// the pairs of tones that they sound as (ITU-T Q.23).
//
// Nothing here allocates.
package dtmf

import (
	"errors"
	"fmt"
	"strings"

	"github.com/edgecam/edgecam/engine/fixed"
)

// PayloadBytes is the length of an event's payload.
const PayloadBytes = 4

// ErrPacket is wrapped by errors about payloads that cannot be read.
var ErrPacket = errors.New("dtmf: bad packet")

// Event is the state of an event (section 2.3).
type Event struct {
	Code  uint8 // 0 to 9, 10 for *, 11 for #, 12 to 15 for A to D; others are no keys
	Ended bool
	// VolumeDBm0 is the power, 0 to -63.
	VolumeDBm0 int8
	// Duration so far, in units of the RTP clock.
	Duration uint16
}

const keys = "0123456789*#ABCD"

// Key returns the key of an event, 0 if it is another one.
func (e Event) Key() byte {
	if int(e.Code) < len(keys) {
		return keys[e.Code]
	}
	return 0
}

// CodeOf returns the code of a key, upper or lower case; ok is false for what is
// none.
func CodeOf(key byte) (code uint8, ok bool) {
	if key >= 'a' && key <= 'd' {
		key -= 'a' - 'A'
	}
	i := strings.IndexByte(keys, key)
	return uint8(max(i, 0)), i >= 0
}

// Parse reads a payload; of several events only the first. Errors wrap ErrPacket.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     event     |E|R| volume    |          duration             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
func Parse(payload []byte) (Event, error) {
	if len(payload) < PayloadBytes || len(payload)%PayloadBytes != 0 {
		return Event{}, fmt.Errorf("%w: %d bytes, must be a multiple of %d", ErrPacket, len(payload), PayloadBytes)
	}
	return Event{
		Code:       payload[0],
		Ended:      payload[1]&0x80 != 0,
		VolumeDBm0: -int8(payload[1] & 0x3f),
		Duration:   uint16(payload[2])<<8 | uint16(payload[3]),
	}, nil
}

// Append appends the event's payload to dst.
func (e Event) Append(dst []byte) []byte {
	volume := byte(min(max(-int(e.VolumeDBm0), 0), 63))
	if e.Ended {
		volume |= 0x80
	}
	return append(dst, e.Code, volume, byte(e.Duration>>8), byte(e.Duration))
}

// Frequencies of the keys' rows and columns.
var (
	rowHz    = [4]int{697, 770, 852, 941}
	columnHz = [4]int{1209, 1336, 1477, 1633}
	// place is a key's row and column, row first.
	place = [16][2]uint8{{3, 1}, {0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2}, {3, 0}, {3, 2}, {0, 3}, {1, 3}, {2, 3}, {3, 3}}
)

// Tone sounds a key. The zero value is silent.
type Tone struct {
	step     [2]uint32 // per sample, in turns of 2^32
	phase    [2]uint32
	levelQ15 int32 // of each of the two
	gainQ15  int32
	ramp     int32
}

// Start begins the tones of an event; an event that is no key is silent.
func (t *Tone) Start(e Event, rateHz int) {
	*t = Tone{}
	if e.Key() == 0 {
		return
	}
	p := place[e.Code]
	for i, hz := range [2]int{rowHz[p[0]], columnHz[p[1]]} {
		t.step[i] = uint32(uint64(hz) << 32 / uint64(rateHz))
	}
	// 0 dBm0 is 3.14 dB below a full-scale sine; each tone has half of the power.
	t.levelQ15 = 32767 * 4933 / 10000
	for range -int(e.VolumeDBm0) {
		t.levelQ15 = t.levelQ15 * 29205 >> 15 // 1 dB
	}
	t.ramp = int32(32767 * 500 / rateHz) // 2 ms
}

// Active says whether anything is heard.
func (t *Tone) Active() bool { return t.levelQ15 > 0 }

// Generate writes samples over pcm, rising or, if ending, falling softly at the
// beginning. A tone that has ended is silent.
func (t *Tone) Generate(pcm []int16, ending bool) {
	for i := range pcm {
		if ending {
			t.gainQ15 = max(t.gainQ15-t.ramp, 0)
		} else {
			t.gainQ15 = min(t.gainQ15+t.ramp, 32767)
		}
		var s int64
		for j := range t.phase {
			s += int64(fixed.SinQ30(t.phase[j]))
			t.phase[j] += t.step[j]
		}
		pcm[i] = fixed.Sat16(int32(s * int64(t.levelQ15) >> 30 * int64(t.gainQ15) >> 15))
	}
	if ending && t.gainQ15 == 0 {
		*t = Tone{}
	}
}
