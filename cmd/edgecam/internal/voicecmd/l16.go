package voicecmd

import "fmt"

// codecL16 is uncompressed 16-bit audio in network byte order (RFC 3551 section
// 4.5.11), in packets of 20 ms.
const codecL16 = "l16"

type l16 struct{ rateHz int }

func (l *l16) RateHz() int                  { return l.rateHz }
func (l *l16) FrameSamples() int            { return l.rateHz / packetsPerSecond }
func (l *l16) MaxPacketBytes() int          { return 2 * l.FrameSamples() }
func (l *l16) MaxSamples() int              { return l.FrameSamples() }
func (l *l16) Conceal([]int16) (int, error) { return 0, nil }

// Samples returns the packet's length, 0 if it is not a whole number or too many.
func (l *l16) Samples(packet []byte) int {
	if len(packet)%2 != 0 || len(packet) > l.MaxPacketBytes() {
		return 0
	}
	return len(packet) / 2
}

func (l *l16) Encode(pcm []int16, packet []byte) (int, error) {
	putBig(packet, pcm)
	return 2 * len(pcm), nil
}

func (l *l16) Decode(packet []byte, pcm []int16) (int, error) {
	n := l.Samples(packet)
	if n == 0 {
		return 0, fmt.Errorf("l16: packet of %d bytes", len(packet))
	}
	getBig(pcm[:n], packet)
	return n, nil
}
