package isac

import "encoding/binary"

// crcTable is the CRC-32 of polynomial 0x04C11DB7, most significant bit first.
var crcTable = func() (t [256]uint32) {
	for i := range t {
		c := uint32(i) << 24
		for range 8 {
			if c>>31 != 0 {
				c = c<<1 ^ 0x04C11DB7
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}()

// layerCRC is the checksum of a layer's body (14.1).
func layerCRC(body []byte) uint32 {
	c := uint32(1<<32 - 1)
	for _, b := range body {
		c = c<<8 ^ crcTable[byte(c>>24)^b]
	}
	return ^c
}

// upperBody returns the body of the upper layer behind the code string, nil if
// there is none: what fails the checksum is padding (14.1).
func upperBody(payload []byte, codeLength int) []byte {
	if codeLength >= len(payload) {
		return nil
	}
	n := int(payload[codeLength])
	layer := payload[codeLength:]
	if n <= layerOverhead || n > len(layer) {
		return nil
	}
	body := layer[1 : n-4]
	if layerCRC(body) != binary.BigEndian.Uint32(layer[n-4:]) {
		return nil
	}
	return body
}

// qmfDown and qmfUp are the all-pass coefficients of the band splitting filter
// in 65536ths (14.4).
var (
	qmfDown = [3]int32{6418, 36982, 57261}
	qmfUp   = [3]int32{21333, 49062, 63010}
)

// qmfBranch is a cascade of three first-order all-pass sections in integers.
type qmfBranch struct{ x, y [3]int32 }

func (f *qmfBranch) step(v int32, c *[3]int32) int32 {
	for i := range f.x {
		d := satSub(v, f.y[i])
		y := f.x[i] + (d>>16)*c[i] + int32(uint32(d&0xFFFF)*uint32(c[i])>>16)
		f.x[i], f.y[i] = v, y
		v = y
	}
	return v
}
