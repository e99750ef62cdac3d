package opus

// HasFEC says whether a packet carries the one before it once more (low bit-rate
// redundancy, RFC 6716 section 4.2.3): a flag behind the voice-activity flags at
// the beginning of the first SILK frame.
func (d *Decoder) HasFEC(packet []byte) bool { return hasFEC(packet) }

func hasFEC(packet []byte) bool {
	if packetSamples(packet) == 0 {
		return false
	}
	config := packet[0] >> 3
	if config >= 16 {
		return false // CELT has none
	}
	frame, ok := firstFrame(packet)
	if !ok || len(frame) < 2 {
		return false
	}
	// One flag of activity per 20 ms begun, then that of redundancy; a second
	// channel has the same again.
	frames := uint(1)
	if config < 12 {
		frames = [4]uint{1, 1, 2, 3}[config&3]
	}
	flags := frame[0]
	if flags>>(7-frames)&1 != 0 {
		return true
	}
	return packet[0]&4 != 0 && flags>>(7-(2*frames+1))&1 != 0
}

// firstFrame returns the first frame of a packet (section 3.2).
func firstFrame(packet []byte) ([]byte, bool) {
	rest := packet[1:]
	switch packet[0] & 3 {
	case 0:
		return rest, true
	case 1:
		return rest[:len(rest)/2], len(rest)%2 == 0
	case 2:
		n, size := frameLength(rest)
		if size == 0 || size+n > len(rest) {
			return nil, false
		}
		return rest[size : size+n], true
	}
	if len(rest) == 0 {
		return nil, false
	}
	count, padded, variable := int(rest[0]&0x3f), rest[0]&0x40 != 0, rest[0]&0x80 != 0
	rest = rest[1:]
	padding := 0
	for padded {
		if len(rest) == 0 {
			return nil, false
		}
		p := int(rest[0])
		rest = rest[1:]
		if padded = p == 255; padded {
			p = 254
		}
		padding += p
	}
	if padding > len(rest) || count == 0 {
		return nil, false
	}
	rest = rest[:len(rest)-padding]
	n := len(rest) / count
	for i := range count - 1 {
		if !variable {
			break
		}
		m, size := frameLength(rest)
		if size == 0 {
			return nil, false
		}
		rest = rest[size:]
		if i == 0 {
			n = m
		}
	}
	if variable && count == 1 {
		n = len(rest)
	}
	if n > len(rest) {
		return nil, false
	}
	return rest[:n], true
}

// frameLength reads a length of one or two bytes (section 3.2.1); size 0 if it is
// not there.
func frameLength(b []byte) (n, size int) {
	switch {
	case len(b) >= 1 && b[0] < 252:
		return int(b[0]), 1
	case len(b) >= 2:
		return int(b[1])*4 + int(b[0]), 2
	}
	return 0, 0
}
