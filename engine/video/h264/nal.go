package h264

import "bytes"

// Type is a NAL unit's nal_unit_type (Table 7-1).
type Type uint8

// The NAL unit types that matter here.
const (
	TypeSlice       Type = 1 // of a picture that is no key frame
	TypeIDR         Type = 5 // slice of a key frame
	TypeSEI         Type = 6
	TypeSPS         Type = 7
	TypePPS         Type = 8
	TypeDelimiter   Type = 9
	TypeEndSequence Type = 10
	TypeEndStream   Type = 11
	TypeFiller      Type = 12
)

// TypeOf returns the type of a NAL unit, 0 of an empty one:
//
//	+-+-+-+-+-+-+-+-+
//	|F|NRI|  Type   |
//	+-+-+-+-+-+-+-+-+
func TypeOf(nal []byte) Type {
	if len(nal) == 0 {
		return 0
	}
	return Type(nal[0] & 0x1f)
}

var startCode = []byte{0, 0, 1}

// Next returns the first NAL unit of a byte stream, without start code, and the
// stream behind it; nil when there is none. Zero bytes around start codes are no
// part of it (Annex B.1). What stands before the first start code is left out.
func Next(stream []byte) (nal, rest []byte) {
	for {
		i := bytes.Index(stream, startCode)
		if i < 0 {
			return nil, nil
		}
		stream = stream[i+len(startCode):]
		end := len(stream)
		if j := bytes.Index(stream, startCode); j >= 0 {
			end = j
		}
		nal, rest = bytes.TrimRight(stream[:end], "\x00"), stream[end:]
		if len(nal) > 0 {
			return nal, rest
		}
		stream = rest
	}
}

// Contents says what an access unit holds.
type Contents struct {
	Key      bool // a key frame (IDR): decoding can begin here
	Slices   int  // of pictures, of any kind
	SPS, PPS bool
}

// Inspect looks through an access unit.
func Inspect(unit []byte) (c Contents) {
	for nal, rest := Next(unit); nal != nil; nal, rest = Next(rest) {
		switch t := TypeOf(nal); {
		case t == TypeIDR:
			c.Key = true
			c.Slices++
		case t >= TypeSlice && t < TypeIDR:
			c.Slices++
		case t == TypeSPS:
			c.SPS = true
		case t == TypePPS:
			c.PPS = true
		}
	}
	return c
}
