package enhance

func differencesGeneric(diff, sum, sumAbs []int16, cur []byte, avgQ7 []uint16) {
	diff, sum, sumAbs, avgQ7 = diff[:len(cur)], sum[:len(cur)], sumAbs[:len(cur)], avgQ7[:len(cur)]
	for i, c := range cur {
		d := (int32(c)<<7 - int32(avgQ7[i])) >> 4
		d = min(max(d, -diffMax), diffMax)
		old := int32(diff[i])
		diff[i] = int16(d)
		sum[i] += int16(d - old)
		sumAbs[i] += int16(abs32(d) - abs32(old))
	}
}

func abs32(v int32) int32 {
	if v < 0 {
		return -v
	}
	return v
}

func mulHigh(a, b uint32) uint32 { return a * b >> 16 }

func subSat(a, b uint32) uint32 {
	if a < b {
		return 0
	}
	return a - b
}

func blendGeneric(out []byte, avgQ7 []uint16, support, cur []byte, sum, sumAbs []int16, t *blendTables) {
	for i, c := range cur {
		var s int32
		var sa uint32
		for k := range 2*sidePad + 1 {
			s += int32(sum[i+k])
			sa += uint32(sumAbs[i+k])
		}
		avg := int32(avgQ7[i])
		level := avg >> 11
		inv := uint32(t.invLo[level]) | uint32(t.invHi[level])<<8
		d := int32(c)<<7 - avg
		// 0.6: the sum of 25 differences has 5 deviations, that of magnitudes 3.
		m := mulHigh(mulHigh(uint32(abs32(s)), 39322), inv)
		m = max(m, subSat(mulHigh(sa, inv), uint32(t.offset)))
		m = max(m, subSat(mulHigh(mulHigh(uint32(abs32(d)), inv), uint32(t.point)), pointSlack))
		n := min(uint32(support[i]), subSat(uint32(t.still), m)>>2)
		gain := int32(t.gainLo[n]) | int32(t.gainHi[n])<<8
		avg += (d*gain + 1<<14) >> 15
		avgQ7[i] = uint16(avg)
		support[i] = byte(min(n+1, uint32(t.most)))
		out[i] = byte((avg + 64) >> 7)
	}
}

// neighbours are the places smooth takes samples from, as row and column
// offsets: a square of five without its corners.
var neighbours = [20][2]int8{
	{-2, -1},
	{-2, 0},
	{-2, 1},
	{-1, -2},
	{-1, -1},
	{-1, 0},
	{-1, 1},
	{-1, 2},
	{0, -2},
	{0, -1},
	{0, 1},
	{0, 2},
	{1, -2},
	{1, -1},
	{1, 0},
	{1, 1},
	{1, 2},
	{2, -1},
	{2, 0},
	{2, 1},
}

func smoothGeneric(out []byte, rows *[5][]byte, support []byte, t *smoothTables) {
	for i, n := range support {
		v := rows[2][i+sidePad]
		out[i] = v
		if n > t.oldest {
			continue
		}
		level := v >> 4
		reach := int32(t.reach[level]) * int32(t.shrink[n]) >> 10
		var sum, weight int32
		for _, k := range &neighbours {
			d := int32(rows[2+k[0]][i+sidePad+int(k[1])]) - int32(v)
			if w := reach - abs32(d); w > 0 {
				sum += w * d
				weight += w
			}
		}
		if sum == 0 {
			continue
		}
		inv := mulHigh(le16(t.invReachLo[level], t.invReachHi[level]), le16(t.invShrinkLo[n], t.invShrinkHi[n])) << 3 & 0xffff
		index := min(mulHigh(uint32(weight), inv)*5>>3, 15)
		factor := int32(mulHigh(inv, le16(t.recipLo[index], t.recipHi[index])))
		out[i] = byte(min(max(int32(v)+(sum*factor+1<<14)>>15, 0), 255))
	}
}

func le16(lo, hi byte) uint32 { return uint32(lo) | uint32(hi)<<8 }

// mulRoundQ15 is what PMULHRSW and SQRDMULH compute.
func mulRoundQ15(a, b int32) int32 { return (a*b + 1<<14) >> 15 }

func toneGeneric(row []byte, liftQ15 []int16, blackQ8, gain uint16) {
	liftQ15 = liftQ15[:len(row)]
	for i, v := range row {
		row[i] = byte(toneSample(v, int32(liftQ15[i]), blackQ8, gain))
	}
}

func toneSample(v byte, liftQ15 int32, blackQ8, gain uint16) int32 {
	w := subSat(uint32(v)<<8, uint32(blackQ8))
	x := int32(min(mulHigh(w, uint32(gain)), 8191) << 2)
	for range 4 {
		x += mulRoundQ15(mulRoundQ15(x, 32767-x), liftQ15)
	}
	return 16 + mulRoundQ15(x, 219)
}

func scaleGeneric(row []byte, gainQ12 []int16, from, to int) {
	gainQ12 = gainQ12[:len(row)]
	for i, v := range row {
		d := int32(v) - int32(from)
		row[i] = byte(min(max(int32(to)+mulRoundQ15(d<<3, int32(gainQ12[i])), 0), 255))
	}
}

func remapGeneric(row, src []byte, at []int32, fx, fy []byte, stride int) {
	at, fx, fy = at[:len(row)], fx[:len(row)], fy[:len(row)]
	for i := range row {
		p, x, y := int(at[i]), uint32(fx[i]), uint32(fy[i])
		a, b := src[p:p+2:p+2], src[p+stride:p+stride+2:p+stride+2]
		top := uint32(a[0])*(16-x) + uint32(a[1])*x
		bottom := uint32(b[0])*(16-x) + uint32(b[1])*x
		row[i] = byte((top*(16-y) + bottom*y + 128) >> 8)
	}
}
