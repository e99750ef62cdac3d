package sim

import "time"

// The block code: 40 cells side by side over the full width, codeRows rows
// high. Cells 0 to 3 are white, black, white, black; 4 to 35 are the low 32
// bits of the Unix time in milliseconds, most significant first; 36 to 39 are
// the exclusive or of its eight nibbles. At 640 pixels a cell is 16 wide.
const (
	codeCells = 40
	codeRows  = 32
	codeBlack = 16
	codeWhite = 235

	// minCodeWidth leaves 8 pixels per cell: half of a macroblock, which
	// survives coarse quantisation.
	minCodeWidth = 320
	// minCodeHeight keeps the code to a third of the picture.
	minCodeHeight = 96
)

// StampClock draws the time at into the top 32 rows of a luma plane as a block
// code of 40 cells across the full width: white, black, white, black, the low
// 32 bits of the Unix time in milliseconds (most significant first), and four
// check bits (the exclusive or of the eight nibbles). Cells have the values 16
// and 235. Luma samples of a row lie pixelStep bytes apart (1 in planar
// formats, 2 in YUYV) and rows strideBytes. It reports false and draws nothing
// if the picture is smaller than 320x96, where cells would not survive coding,
// or if luma is too short.
func StampClock(luma []byte, pixelStep, strideBytes, width, height int, at time.Time) bool {
	if !codeFits(luma, pixelStep, strideBytes, width, height) {
		return false
	}
	bits := codeBits(uint32(at.UnixMilli()))
	x := 0
	for cell := range codeCells {
		v := byte(codeBlack)
		if bits>>(codeCells-1-cell)&1 == 1 {
			v = codeWhite
		}
		for end := (cell + 1) * width / codeCells; x < end; x++ {
			luma[x*pixelStep] = v
		}
	}
	if pixelStep == 1 {
		for y := 1; y < codeRows; y++ {
			copy(luma[y*strideBytes:y*strideBytes+width], luma[:width])
		}
		return true
	}
	for y := 1; y < codeRows; y++ {
		row := luma[y*strideBytes:]
		for x := range width {
			row[x*pixelStep] = luma[x*pixelStep]
		}
	}
	return true
}

// ReadClock reads the code that [StampClock] drew, also after lossy coding: it
// returns the low 32 bits of the Unix time in milliseconds, and false if there
// is no valid code.
func ReadClock(luma []byte, pixelStep, strideBytes, width, height int) (unixMilli uint32, ok bool) {
	if !codeFits(luma, pixelStep, strideBytes, width, height) {
		return 0, false
	}
	var bits uint64
	for cell := range codeCells {
		x0, x1 := cell*width/codeCells, (cell+1)*width/codeCells
		m := (x1 - x0) / 4 // edges are blurred by coding: read the middle
		sum, n := 0, 0
		for y := codeRows / 4; y < codeRows*3/4; y++ {
			for x := x0 + m; x < x1-m; x++ {
				sum += int(luma[y*strideBytes+x*pixelStep])
				n++
			}
		}
		bits <<= 1
		if sum > n*(codeBlack+codeWhite)/2 {
			bits |= 1
		}
	}
	ms := uint32(bits >> 4)
	return ms, bits == codeBits(ms)
}

func codeFits(luma []byte, pixelStep, strideBytes, width, height int) bool {
	return width >= minCodeWidth && height >= minCodeHeight && pixelStep >= 1 &&
		strideBytes >= width*pixelStep && len(luma) >= (codeRows-1)*strideBytes+(width-1)*pixelStep+1
}

// codeBits returns the 40 cells, the first one in bit 39.
func codeBits(ms uint32) uint64 {
	check := ms ^ ms>>16
	check ^= check >> 8
	check = (check ^ check>>4) & 15
	return 0b1010<<36 | uint64(ms)<<4 | uint64(check)
}
