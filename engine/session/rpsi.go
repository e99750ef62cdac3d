package session

import (
	"encoding/binary"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// Reference picture selection indication (RFC 4585 section 6.3.3): the receiver
// of a picture says that it has decoded a long-term reference. VP8's bit string
// is the PictureID as in the payload descriptor (RFC 7741 section 4.2).
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|      PB       |0| payload type|1|      PictureID              |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// PB counts the bits of padding at the end: 0, or 8 where the PictureID is one
// octet with its first bit 0.
const (
	rpsiFormat = 3
	rpsiBytes  = 16
)

// feedbackRPSI names the message in SDP.
var feedbackRPSI = webrtc.RTCPFeedback{Type: "nack", Parameter: "rpsi"}

// newRPSI makes the message about a PictureID of 15 bits.
func newRPSI(sender, media uint32, payloadType uint8, pictureID uint16) rtcp.Packet {
	p := make(rtcp.RawPacket, rpsiBytes)
	p[0], p[1] = 2<<6|rpsiFormat, byte(rtcp.TypePayloadSpecificFeedback)
	binary.BigEndian.PutUint16(p[2:], rpsiBytes/4-1)
	binary.BigEndian.PutUint32(p[4:], sender)
	binary.BigEndian.PutUint32(p[8:], media)
	p[13] = payloadType & 0x7f
	binary.BigEndian.PutUint16(p[14:], 0x8000|pictureID)
	return &p
}

// rpsi is a message that was read.
type rpsi struct {
	media       uint32
	payloadType uint8
	pictureID   uint16
}

// parseRPSI reads one RTCP packet; ok is false for any other, and for what is
// not a PictureID of VP8.
func parseRPSI(b []byte) (m rpsi, ok bool) {
	if len(b) < rpsiBytes || b[0]>>6 != 2 || b[0]&0x3f != rpsiFormat || b[1] != byte(rtcp.TypePayloadSpecificFeedback) ||
		int(binary.BigEndian.Uint16(b[2:]))*4+4 != rpsiBytes || b[13]&0x80 != 0 {
		return m, false
	}
	m.media, m.payloadType = binary.BigEndian.Uint32(b[8:]), b[13]
	long := b[14]&0x80 != 0
	switch {
	case long && b[12] == 0:
		m.pictureID = binary.BigEndian.Uint16(b[14:]) & 0x7fff
	case !long && b[12] == 8:
		m.pictureID = uint16(b[14])
	default:
		return rpsi{}, false
	}
	return m, true
}
