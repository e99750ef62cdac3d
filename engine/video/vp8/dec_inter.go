package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// interPredictor predicts macroblocks from reference frames (section 18).
type interPredictor struct {
	// bilinear chooses the filters of profiles 1 to 3; fullPixel (profile 3)
	// drops the fraction of chroma vectors.
	bilinear, fullPixel bool
	// patch takes a block with its filter margin where it reaches beyond the
	// border.
	patch [patchStride * (16 + 5)]byte
}

const patchStride = 32

// setProfile chooses the filters of a bitstream version (section 9.1).
// Versions above 3 are reserved and treated as 0.
func (ip *interPredictor) setProfile(version int) {
	ip.bilinear = version >= 1 && version <= 3
	ip.fullPixel = version == 3
}

// predict writes the prediction of the macroblock in column mbx and row mby to
// dst, from ref.
func (ip *interPredictor) predict(dst, ref *refFrame, mbx, mby int, mb *mbInfo, vectors *subblockVectors) {
	if !mb.split {
		ip.block(&dst.y, &ref.y, mbx*16, mby*16, int(mb.mv.x)*2, int(mb.mv.y)*2, 16, 16)
		cx, cy := int(mb.mv.x), int(mb.mv.y)
		if ip.fullPixel {
			cx, cy = cx&^7, cy&^7
		}
		ip.block(&dst.u, &ref.u, mbx*8, mby*8, cx, cy, 8, 8)
		ip.block(&dst.v, &ref.v, mbx*8, mby*8, cx, cy, 8, 8)
		return
	}
	if mb.partition == partition16 {
		ip.subblocks(dst, ref, mbx*16, mby*16, vectors)
	} else {
		for b := 0; b < 16; b += 2 {
			if b == 4 {
				b = 8
			} else if b == 12 {
				break
			}
			v := vectors[b]
			ip.block(&dst.y, &ref.y, mbx*16+b&3*4, mby*16+b>>2*4, int(v.x)*2, int(v.y)*2, 8, 8)
		}
	}
	ip.chroma(dst, ref, mbx*8, mby*8, vectors)
}

// subblocks predicts luma with a vector for each subblock. Two beside each
// other with the same vector are fetched as one.
func (ip *interPredictor) subblocks(dst, ref *refFrame, x, y int, vectors *subblockVectors) {
	for b := 0; b < 16; b += 2 {
		v, w := vectors[b], vectors[b+1]
		bx, by := x+b&3*4, y+b>>2*4
		if v == w {
			ip.block(&dst.y, &ref.y, bx, by, int(v.x)*2, int(v.y)*2, 8, 4)
			continue
		}
		ip.block(&dst.y, &ref.y, bx, by, int(v.x)*2, int(v.y)*2, 4, 4)
		ip.block(&dst.y, &ref.y, bx+4, by, int(w.x)*2, int(w.y)*2, 4, 4)
	}
}

// chroma predicts the chroma of a split macroblock: each 4x4 block has the
// mean vector of the four luma subblocks it covers (section 18.1).
func (ip *interPredictor) chroma(dst, ref *refFrame, x, y int, vectors *subblockVectors) {
	var mean [4]motionVector
	for i := range mean {
		b := i>>1*8 + i&1*2
		p, q, r, s := vectors[b], vectors[b+1], vectors[b+4], vectors[b+5]
		v := motionVector{
			x: meanComponent(int(p.x) + int(q.x) + int(r.x) + int(s.x)),
			y: meanComponent(int(p.y) + int(q.y) + int(r.y) + int(s.y)),
		}
		if ip.fullPixel {
			v.x, v.y = v.x&^7, v.y&^7
		}
		mean[i] = v
	}
	for row := range 2 {
		v, w := mean[2*row], mean[2*row+1]
		by := y + 4*row
		if v == w {
			ip.block(&dst.u, &ref.u, x, by, int(v.x), int(v.y), 8, 4)
			ip.block(&dst.v, &ref.v, x, by, int(v.x), int(v.y), 8, 4)
			continue
		}
		ip.block(&dst.u, &ref.u, x, by, int(v.x), int(v.y), 4, 4)
		ip.block(&dst.v, &ref.v, x, by, int(v.x), int(v.y), 4, 4)
		ip.block(&dst.u, &ref.u, x+4, by, int(w.x), int(w.y), 4, 4)
		ip.block(&dst.v, &ref.v, x+4, by, int(w.x), int(w.y), 4, 4)
	}
}

// meanComponent divides the sum of four components by four, rounding halves
// away from zero.
func meanComponent(sum int) int16 {
	if sum < 0 {
		return int16(-((2 - sum) >> 2))
	}
	return int16((sum + 2) >> 2)
}

// block predicts the w by h block of dst at (x, y) from ref displaced by
// (mx, my) eighths of a sample.
func (ip *interPredictor) block(dst, ref *plane, x, y, mx, my, w, h int) {
	sx, sy := x+mx>>3, y+my>>3
	fx, fy := mx&7, my&7
	out := dst.pix[dst.at(x, y):]
	src, off, stride := ref.pix, ref.at(sx, sy), ref.stride
	b := ref.border
	if sx-2 < -b || sy-2 < -b || sx+w+3 > ref.width+b || sy+h+3 > ref.height+b {
		ip.fetch(ref, sx-2, sy-2, w+5, h+5)
		src, off, stride = ip.patch[:], 2*patchStride+2, patchStride
	}
	if ip.bilinear {
		dsp.Bilinear(out, dst.stride, src, off, stride, fx, fy, w, h)
		return
	}
	dsp.SixTap(out, dst.stride, src, off, stride, fx, fy, w, h)
}

// fetch copies a block from anywhere, inside the plane or not, into the patch:
// outside, the nearest sample of the plane repeats without end.
func (ip *interPredictor) fetch(p *plane, x, y, w, h int) {
	for j := range h {
		row := p.pix[p.at(0, max(0, min(y+j, p.height-1))):][:p.width]
		out := ip.patch[j*patchStride:][:w]
		for i := range out {
			out[i] = row[max(0, min(x+i, len(row)-1))]
		}
	}
}
