// Package red is redundant audio data (RFC 2198): a packet that carries, behind the
// audio it was sent for, that of packets before it once more.
//
// Nothing here allocates but what the caller's slices need.
package red

import (
	"errors"
	"fmt"
)

const (
	// MaxBlocks is how many blocks a payload is read for; more is an error.
	MaxBlocks = 16
	// MaxOffset is the largest timestamp offset of a redundant block, 14 bits.
	MaxOffset = 1<<14 - 1
	// MaxBlockBytes is the largest redundant block, 10 bits.
	MaxBlockBytes = 1<<10 - 1
)

var (
	// ErrPacket is wrapped by errors about payloads that cannot be read.
	ErrPacket = errors.New("red: bad packet")
	// ErrSize is wrapped by errors about blocks that do not fit the format or the
	// buffer.
	ErrSize = errors.New("red: bad size")
)

// Block is the audio of one packet.
type Block struct {
	PayloadType uint8
	// Offset is how much earlier its RTP timestamp is than that of the packet; the
	// primary block, the last, has 0.
	Offset uint16
	// Data is a piece of the payload that was read.
	Data []byte
}

// Parse appends the blocks of a payload to dst, oldest first and the primary one
// last. Redundant blocks may be empty. Every header but the last is
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|1|  block PT   |     timestamp offset      |   block length    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// and the last is |0| block PT | (section 3). Errors wrap ErrPacket; dst is then
// returned as it was.
func Parse(dst []Block, payload []byte) ([]Block, error) {
	old := len(dst)
	var length [MaxBlocks]int
	rest := payload
	total := 0
	for n := 0; ; n++ {
		switch {
		case len(rest) == 0:
			return dst[:old], fmt.Errorf("%w: it ends within its headers", ErrPacket)
		case n == MaxBlocks:
			return dst[:old], fmt.Errorf("%w: more than %d blocks", ErrPacket, MaxBlocks)
		}
		if rest[0]&0x80 == 0 {
			dst = append(dst, Block{PayloadType: rest[0]})
			rest = rest[1:]
			break
		}
		if len(rest) < 4 {
			return dst[:old], fmt.Errorf("%w: it ends within its headers", ErrPacket)
		}
		dst = append(dst, Block{
			PayloadType: rest[0] & 0x7f,
			Offset:      uint16(rest[1])<<6 | uint16(rest[2])>>2,
		})
		length[n] = int(rest[2]&3)<<8 | int(rest[3])
		total += length[n]
		rest = rest[4:]
	}
	if total > len(rest) {
		return dst[:old], fmt.Errorf("%w: blocks of %d bytes, %d are there", ErrPacket, total, len(rest))
	}
	for i := range dst[old:] {
		b := &dst[old+i]
		if old+i == len(dst)-1 {
			b.Data = rest
			break
		}
		b.Data, rest = rest[:length[i]:length[i]], rest[length[i]:]
	}
	return dst, nil
}

// Put writes blocks, oldest first and the primary one last, to dst and returns how
// many bytes. Errors wrap ErrSize.
func Put(dst []byte, blocks []Block) (int, error) {
	if len(blocks) == 0 || len(blocks) > MaxBlocks {
		return 0, fmt.Errorf("%w: %d blocks, must be 1 to %d", ErrSize, len(blocks), MaxBlocks)
	}
	size := 4*len(blocks) - 3
	for i, b := range blocks {
		if i < len(blocks)-1 && (len(b.Data) > MaxBlockBytes || b.Offset > MaxOffset) {
			return 0, fmt.Errorf("%w: redundant block of %d bytes at offset %d, at most %d and %d fit", ErrSize, len(b.Data), b.Offset, MaxBlockBytes, MaxOffset)
		}
		size += len(b.Data)
	}
	if size > len(dst) {
		return 0, fmt.Errorf("%w: %d bytes are needed, there is room for %d", ErrSize, size, len(dst))
	}
	n := 0
	for i, b := range blocks {
		if i == len(blocks)-1 {
			dst[n] = b.PayloadType & 0x7f
			n++
			break
		}
		dst[n] = 0x80 | b.PayloadType
		dst[n+1] = byte(b.Offset >> 6)
		dst[n+2] = byte(b.Offset<<2) | byte(len(b.Data)>>8)
		dst[n+3] = byte(len(b.Data))
		n += 4
	}
	for _, b := range blocks {
		n += copy(dst[n:], b.Data)
	}
	return n, nil
}
