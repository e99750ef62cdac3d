// Package cn is comfort noise (RFC 3389): instead of the background between words
// its level and spectrum are sent, a few bytes now and then, and the receiver
// makes up noise that sounds alike. It goes with codecs that have no such thing
// of their own: G.711, G.722 and iLBC; payload type 13 at 8 kHz.
//
// Nothing here allocates after it was made; an Encoder or Decoder is for one
// goroutine at a time. The arithmetic is fixed point.
package cn

import (
	"errors"
	"fmt"
	"math"
)

const (
	// MaxOrder is the largest number of reflection coefficients that is used;
	// section 3 lets a receiver leave out those of higher order.
	MaxOrder = 12
	// MinLevelDBov is the lowest noise level that can be sent.
	MinLevelDBov = -127
	// maxPayload is the longest payload accepted: a level and more coefficients
	// than anybody sends.
	maxPayload = 64
)

var (
	// ErrPacket is wrapped by errors about payloads that are empty, too long or
	// have a reserved bit set. The decoder is unchanged by them.
	ErrPacket = errors.New("cn: bad packet")
	// ErrSize is wrapped by errors about a caller's buffer of the wrong length.
	ErrSize = errors.New("cn: bad buffer size")
	// ErrConfig is wrapped by errors about settings that are out of range.
	ErrConfig = errors.New("cn: bad configuration")
)

// Parameters describe noise as white noise through an all-pole filter.
type Parameters struct {
	// LevelDBov is the level relative to that of a full-scale square wave, 0 to
	// MinLevelDBov.
	LevelDBov int
	// Order is how many of ReflectionQ15 are used, 0 to MaxOrder.
	Order int
	// ReflectionQ15 are the filter's reflection coefficients in Q15: the first is
	// minus the correlation of neighbouring samples.
	ReflectionQ15 [MaxOrder]int16
}

// Parse reads a payload (sections 3.1 to 3.3):
//
//	 0                   1                   2
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-
//	|0|    level    |      N1       |     N2  ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-
//
// Errors wrap ErrPacket.
func (p *Parameters) Parse(payload []byte) error {
	switch {
	case len(payload) == 0:
		return fmt.Errorf("%w: it is empty", ErrPacket)
	case len(payload) > maxPayload:
		return fmt.Errorf("%w: %d bytes, at most %d are taken", ErrPacket, len(payload), maxPayload)
	case payload[0]&0x80 != 0:
		return fmt.Errorf("%w: its first bit is set", ErrPacket)
	}
	*p = Parameters{LevelDBov: -int(payload[0]), Order: min(len(payload)-1, MaxOrder)}
	for i, n := range payload[1 : 1+p.Order] {
		// 255 stands for nothing; taken as 254 it is the nearest filter.
		p.ReflectionQ15[i] = int16(258 * (int32(min(n, 254)) - 127))
	}
	return nil
}

// Put writes the payload, 1 + Order bytes, and returns their number, or 0 if dst
// is too short.
func (p *Parameters) Put(dst []byte) int {
	order := min(max(p.Order, 0), MaxOrder)
	if len(dst) < 1+order {
		return 0
	}
	dst[0] = byte(-min(max(p.LevelDBov, MinLevelDBov), 0))
	for i, k := range p.ReflectionQ15[:order] {
		q := int32(k) + 129 + 258*127 // rounded, halves upward
		dst[1+i] = byte(min(max(q/258, 0), 254))
	}
	return 1 + order
}

// square is the mean square of noise at -i dBov, Q8.
var square = func() (t [1 - MinLevelDBov]int64) {
	for i := range t {
		t[i] = int64(math.Round(math.Pow(10, -float64(i)/10) * (1 << 38)))
	}
	return t
}()

// levelOf returns the level of a mean square in Q8, to the nearest decibel.
func levelOf(meanSquareQ8 int64) int {
	if meanSquareQ8 == 0 {
		return MinLevelDBov
	}
	best := 0
	for i, s := range square {
		// Half a decibel below: 10^-0.05 is 58409/65536.
		if meanSquareQ8 < s*58409>>16 {
			best = i + 1
		}
	}
	return max(-best, MinLevelDBov)
}
