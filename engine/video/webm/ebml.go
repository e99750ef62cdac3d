package webm

import (
	"encoding/binary"
	"math"
)

// Element identifiers (RFC 8794, RFC 9559 section 5).
const (
	idEBML, idVersion, idReadVersion     = 0x1A45DFA3, 0x4286, 0x42F7
	idMaxIDLength, idMaxSizeLength       = 0x42F2, 0x42F3
	idDocType, idDocVersion, idDocRead   = 0x4282, 0x4287, 0x4285
	idSegment, idVoid                    = 0x18538067, 0xEC
	idSeekHead, idSeek                   = 0x114D9B74, 0x4DBB
	idSeekID, idSeekPosition             = 0x53AB, 0x53AC
	idInfo, idScale, idDuration          = 0x1549A966, 0x2AD7B1, 0x4489
	idMuxingApp, idWritingApp            = 0x4D80, 0x5741
	idTracks, idTrackEntry               = 0x1654AE6B, 0xAE
	idTrackNumber, idTrackUID            = 0xD7, 0x73C5
	idTrackType, idFlagLacing, idCodecID = 0x83, 0x9C, 0x86
	idCodecPrivate, idCodecDelay         = 0x63A2, 0x56AA
	idSeekPreRoll                        = 0x56BB
	idVideo, idPixelWidth, idPixelHeight = 0xE0, 0xB0, 0xBA
	idAudio, idSamplingRate, idChannels  = 0xE1, 0xB5, 0x9F
	idCluster, idTimestamp, idBlock      = 0x1F43B675, 0xE7, 0xA3
	idCues, idCuePoint, idCueTime        = 0x1C53BB6B, 0xBB, 0xB3
	idCuePositions, idCueTrack           = 0xB7, 0xF7
	idCueCluster                         = 0xF1
)

// appendID writes an identifier, whose length is in its first bits.
func appendID(b []byte, id uint32) []byte {
	switch {
	case id > 0xffffff:
		return append(b, byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
	case id > 0xffff:
		return append(b, byte(id>>16), byte(id>>8), byte(id))
	case id > 0xff:
		return append(b, byte(id>>8), byte(id))
	}
	return append(b, byte(id))
}

// appendSize writes a size in as few bytes as it takes.
func appendSize(b []byte, n uint64) []byte {
	for length := 1; length < 8; length++ {
		if n < 1<<(7*length)-1 {
			n |= 1 << (7 * length)
			for i := length - 1; i >= 0; i-- {
				b = append(b, byte(n>>(8*i)))
			}
			return b
		}
	}
	return appendSize8(b, n)
}

// appendSize8 writes a size in eight bytes, to be overwritten later.
func appendSize8(b []byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(b, n|1<<56)
}

func appendBytes(b []byte, id uint32, data []byte) []byte {
	return append(appendSize(appendID(b, id), uint64(len(data))), data...)
}

func appendString(b []byte, id uint32, s string) []byte { return appendBytes(b, id, []byte(s)) }

func appendUint(b []byte, id uint32, v uint64) []byte {
	length := 1
	for v>>(8*length) != 0 && length < 8 {
		length++
	}
	b = appendSize(appendID(b, id), uint64(length))
	for i := length - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

func appendFloat(b []byte, id uint32, v float64) []byte {
	return binary.BigEndian.AppendUint64(appendSize(appendID(b, id), 8), math.Float64bits(v))
}
