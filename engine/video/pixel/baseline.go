package pixel

import (
	"errors"
	"sync"

	"github.com/edgecam/edgecam/engine/media"
)

// errNotBaseline says that a JPEG picture is left to the complete decoder: it is
// of another kind than cameras send, or damaged.
var errNotBaseline = errors.New("pixel: not a plain baseline JPEG picture")

// baseline decodes what cameras send as MJPEG: ITU-T T.81 baseline, 8 bits, one
// scan of Y, Cb and Cr with the usual subsampling, of even size. It writes into a
// picture as it goes and allocates nothing.
type baseline struct {
	bits     bitReader
	quant    [4][64]int32 // in natural order
	haveQ    [4]bool
	huff     [2][4]huffman // DC, AC
	comps    [3]component
	w, h     int
	hMax     int // sampling of luma: 1 or 2
	vMax     int
	interval int // MCUs between restart markers, 0 for none
	coef     [64]int32
	block    [64]byte
}

type component struct {
	id, h, v, quant, dc, ac int
	pred                    int32
}

var baselines = sync.Pool{New: func() any { return new(baseline) }}

// annexK are the tables for frames that have none.
var annexK = sync.OnceValue(annexKTables)

// decodeBaseline decodes data into dst, or returns errNotBaseline, with dst
// perhaps written to in part.
func decodeBaseline(dst *media.Picture, data []byte) error {
	d := baselines.Get().(*baseline)
	defer baselines.Put(d)
	d.haveQ, d.interval = [4]bool{}, 0
	for c := range d.huff {
		for i := range d.huff[c] {
			d.huff[c][i].known = false
		}
	}
	if !d.tables(annexK()[4:]) {
		return errNotBaseline
	}
	framed := false
	for i := 2; ; {
		if i+4 > len(data) || data[i] != 0xff {
			return errNotBaseline
		}
		marker := data[i+1]
		if marker == 0xff { // fill byte
			i++
			continue
		}
		n := int(data[i+2])<<8 | int(data[i+3])
		if n < 2 || i+2+n > len(data) {
			return errNotBaseline
		}
		seg := data[i+4 : i+2+n]
		var ok bool
		switch marker {
		case 0xdb:
			ok = d.quantisation(seg)
		case 0xc4:
			ok = d.tables(seg)
		case 0xc0:
			ok = !framed && d.frame(seg, dst)
			framed = true
		case 0xdd:
			ok = len(seg) == 2
			if ok {
				d.interval = int(seg[0])<<8 | int(seg[1])
			}
		case 0xda:
			if !framed || !d.scanHeader(seg) {
				return errNotBaseline
			}
			return d.scan(dst, data[i+2+n:])
		case 0xee: // Adobe: a transform of its own
			ok = false
		default:
			// Application data and comments; other kinds of frames (C1 to CF) are
			// not for us.
			ok = marker >= 0xe0 && marker <= 0xef || marker == 0xfe
		}
		if !ok {
			return errNotBaseline
		}
		i += 2 + n
	}
}

// zigzag is the order of coefficients in the stream (figure A.6).
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// quantisation reads DQT (B.2.4.1).
func (d *baseline) quantisation(seg []byte) bool {
	for len(seg) > 0 {
		id, wide := int(seg[0]&15), int(seg[0]>>4)
		if id > 3 || wide > 1 || len(seg) < 1+64*(1+wide) {
			return false
		}
		for k := range 64 {
			v := int32(seg[1+k])
			if wide == 1 {
				v = int32(seg[1+2*k])<<8 | int32(seg[2+2*k])
			}
			d.quant[id][zigzag[k]] = v
		}
		d.haveQ[id] = true
		seg = seg[1+64*(1+wide):]
	}
	return true
}

// tables reads DHT (B.2.4.2).
func (d *baseline) tables(seg []byte) bool {
	for len(seg) > 0 {
		class, id := int(seg[0]>>4), int(seg[0]&15)
		if class > 1 || id > 3 || len(seg) < 17 {
			return false
		}
		n := 0
		for _, c := range seg[1:17] {
			n += int(c)
		}
		if len(seg) < 17+n || n > 256 || !d.huff[class][id].build(seg[1:17], seg[17:17+n]) {
			return false
		}
		seg = seg[17+n:]
	}
	return true
}

// frame reads SOF0 (B.2.2).
func (d *baseline) frame(seg []byte, dst *media.Picture) bool {
	if len(seg) != 6+3*3 || seg[0] != 8 || seg[5] != 3 {
		return false
	}
	d.h, d.w = int(seg[1])<<8|int(seg[2]), int(seg[3])<<8|int(seg[4])
	if d.w != dst.Width || d.h != dst.Height || d.w&1 != 0 || d.h&1 != 0 {
		return false
	}
	for i := range d.comps {
		s := seg[6+3*i : 9+3*i]
		d.comps[i] = component{id: int(s[0]), h: int(s[1] >> 4), v: int(s[1] & 15), quant: int(s[2] & 3)}
		if !d.haveQ[s[2]&3] || s[2] > 3 {
			return false
		}
	}
	y, u, v := d.comps[0], d.comps[1], d.comps[2]
	d.hMax, d.vMax = y.h, y.v
	rgb := y.id == 'R' && u.id == 'G' && v.id == 'B'
	return !rgb && (y.h == 1 || y.h == 2) && (y.v == 1 || y.v == 2) && u.h == 1 && u.v == 1 && v.h == 1 && v.v == 1
}

// scanHeader reads SOS (B.2.3): all three components at once.
func (d *baseline) scanHeader(seg []byte) bool {
	if len(seg) != 1+2*3+3 || seg[0] != 3 || seg[7] != 0 || seg[8] != 63 || seg[9] != 0 {
		return false
	}
	for i := range d.comps {
		c := &d.comps[i]
		c.dc, c.ac, c.pred = int(seg[2+2*i]>>4), int(seg[2+2*i]&15), 0
		if int(seg[1+2*i]) != c.id || c.dc > 3 || c.ac > 3 || !d.huff[0][c.dc].known || !d.huff[1][c.ac].known {
			return false
		}
	}
	return true
}

// scan decodes the picture, MCU by MCU.
func (d *baseline) scan(dst *media.Picture, data []byte) error {
	d.bits = bitReader{data: data}
	across := (d.w + 8*d.hMax - 1) / (8 * d.hMax)
	down := (d.h + 8*d.vMax - 1) / (8 * d.vMax)
	left := d.interval
	for my := range down {
		for mx := range across {
			if d.interval > 0 {
				if left == 0 {
					if !d.bits.restart() {
						return errNotBaseline
					}
					for i := range d.comps {
						d.comps[i].pred = 0
					}
					left = d.interval
				}
				left--
			}
			if !d.unit(dst, mx, my) {
				return errNotBaseline
			}
		}
	}
	return nil
}

// unit decodes an MCU.
func (d *baseline) unit(dst *media.Picture, mx, my int) bool {
	for v := range d.vMax {
		for h := range d.hMax {
			if !d.decode(&d.comps[0]) {
				return false
			}
			x, y := 8*(mx*d.hMax+h), 8*(my*d.vMax+v)
			for r := 0; r < 8 && y+r < d.h && x < d.w; r++ {
				row := dst.Y[(y+r)*dst.YStride+x:]
				for c := range min(8, d.w-x) {
					row[c] = lumaToLimited[d.block[8*r+c]]
				}
			}
		}
	}
	if !d.decode(&d.comps[1]) {
		return false
	}
	d.chroma(dst.U, dst.UVStride, mx, my)
	if !d.decode(&d.comps[2]) {
		return false
	}
	d.chroma(dst.V, dst.UVStride, mx, my)
	return true
}

// chroma brings the block to 4:2:0 and stores it.
func (d *baseline) chroma(plane []byte, stride, mx, my int) {
	// How many samples become one, along either axis, and how many there are then.
	sx, sy := 2/d.hMax, 2/d.vMax
	nx, ny := 8/sx, 8/sy
	x0, y0 := mx*nx, my*ny
	for y := 0; y < ny && y0+y < d.h/2; y++ {
		row := plane[(y0+y)*stride+x0:]
		for x := range min(nx, d.w/2-x0) {
			o := 8*y*sy + x*sx
			a, b := d.block[o], d.block[o+sx-1]
			o += 8 * (sy - 1)
			row[x] = chromaToLimited[mean4(a, b, d.block[o], d.block[o+sx-1])]
		}
	}
}

// decode reads a component's next block (F.2.2) and transforms it.
func (d *baseline) decode(c *component) bool {
	dc, ac, q := &d.huff[0][c.dc], &d.huff[1][c.ac], &d.quant[c.quant]
	size, ok := d.bits.symbol(dc)
	if !ok || size > 11 {
		return false
	}
	diff, ok := d.bits.signed(size)
	if !ok {
		return false
	}
	c.pred += diff
	d.coef = [64]int32{}
	d.coef[0] = c.pred * q[0]
	last := 0
	for k := 1; k < 64; {
		rs, ok := d.bits.symbol(ac)
		if !ok {
			return false
		}
		run, size := int(rs>>4), rs&15
		if size == 0 {
			if run != 15 {
				break // end of block
			}
			k += 16
			continue
		}
		v, ok := d.bits.signed(size)
		if k += run; !ok || k > 63 || size > 10 {
			return false
		}
		d.coef[zigzag[k]] = v * q[zigzag[k]]
		last = k
		k++
	}
	inverseDCT(&d.block, &d.coef, last)
	return true
}
