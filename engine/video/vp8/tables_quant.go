package vp8

// maxQuantIndex is the largest quantiser index.
const maxQuantIndex = 127

// dcQuant and acQuant give the step size of a quantiser index (section 14.1).
// Use quantSteps for the six factors of a macroblock: Y2 and chroma scale and
// clamp these values.
var dcQuant = [maxQuantIndex + 1]int16{
	4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14, 15, 16, 17, 17,
	18, 19, 20, 20, 21, 21, 22, 22, 23, 23, 24, 25, 25, 26, 27, 28,
	29, 30, 31, 32, 33, 34, 35, 36, 37, 37, 38, 39, 40, 41, 42, 43,
	44, 45, 46, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58,
	59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74,
	75, 76, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89,
	91, 93, 95, 96, 98, 100, 101, 102, 104, 106, 108, 110, 112, 114, 116, 118,
	122, 124, 126, 128, 130, 132, 134, 136, 138, 140, 143, 145, 148, 151, 154, 157,
}

var acQuant = [maxQuantIndex + 1]int16{
	4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
	36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
	52, 53, 54, 55, 56, 57, 58, 60, 62, 64, 66, 68, 70, 72, 74, 76,
	78, 80, 82, 84, 86, 88, 90, 92, 94, 96, 98, 100, 102, 104, 106, 108,
	110, 112, 114, 116, 119, 122, 125, 128, 131, 134, 137, 140, 143, 146, 149, 152,
	155, 158, 161, 164, 167, 170, 173, 177, 181, 185, 189, 193, 197, 201, 205, 209,
	213, 217, 221, 225, 229, 234, 239, 245, 249, 254, 259, 264, 269, 274, 279, 284,
}

// quantFactors are the steps of one quantiser index: index 0 for DC, 1 for AC.
type quantFactors struct {
	y1, y2, uv [2]int16
}

// quantDeltas are the offsets of the other five indices from the luma AC index
// (section 9.6), each -15 to 15.
type quantDeltas struct {
	y1DC, y2DC, y2AC, uvDC, uvAC int
}

// quantSteps returns the six factors for the luma AC index q (any int: it is
// clamped as the indices are) and the header's deltas.
func quantSteps(q int, d quantDeltas) quantFactors {
	q = clampQuantIndex(q)
	at := func(table *[maxQuantIndex + 1]int16, delta int) int16 { return table[clampQuantIndex(q+delta)] }
	f := quantFactors{
		y1: [2]int16{at(&dcQuant, d.y1DC), acQuant[q]},
		y2: [2]int16{2 * at(&dcQuant, d.y2DC), int16(int(at(&acQuant, d.y2AC)) * 155 / 100)},
		uv: [2]int16{at(&dcQuant, d.uvDC), at(&acQuant, d.uvAC)},
	}
	// The Y2 AC step keeps at least 8, the chroma DC step at most 132.
	f.y2[1] = max(f.y2[1], 8)
	f.uv[0] = min(f.uv[0], 132)
	return f
}

func clampQuantIndex(q int) int { return max(0, min(q, maxQuantIndex)) }
