package ilbc

const (
	changeQ14     = 819       // the enhancer may change the block by 0.05 of its energy (section 4.6.4)
	changeRootQ34 = 848256041 // 0.05 - 0.05²/4
	changeHalfQ30 = 26843546  // 0.05/2
)

// smooth writes to out the surround scaled to the energy of current, or, where
// that would change the block too much, the mix of both that changes it as much
// as allowed (sections 4.6.3 to 4.6.5).
func smooth(out, current []int16, surround *[block]int16) {
	peak := uint64(max(peakOf(current), peakOf(surround[:])) + 1)
	shift := max(bitLen64(peak*peak*block)-31, 0)
	w00 := dot(current, current, uint(shift))
	w11 := dot(surround[:], surround[:], uint(shift))
	w10 := dot(surround[:], current, uint(shift))
	bits00, bits11, bits10 := bitLen(w00), bitLen(w11), bitLen(abs32(w10))

	up00, up11 := 31-bits00, 15-bits11
	if up11 > up00-16 {
		up11 = up00 - 16
	} else {
		up00 = up11 + 16
	}
	energyNorm := scale(w00, up00)
	surroundNorm := int16(scale(w11, up11))
	gainQ11 := int32(1)
	if surroundNorm > 64 {
		gainQ11 = int32(int16(rootFloor(quotient(energyNorm, surroundNorm) << 6)))
	}
	var change int32 // energy of the difference, Q-6
	for i, s := range surround {
		v := int16((gainQ11*int32(s) + 1<<10) >> 11)
		out[i] = v
		d := (int32(current[i]) - int32(v)) >> 3
		change += int32(int16(d)) * int32(int16(d))
	}
	var allowed int32
	if down := 6 - shift + up00; down <= 31 {
		allowed = scale(changeQ14*(energyNorm>>14), -down)
	}
	if change <= allowed {
		return
	}
	surroundQ9, currentQ14 := mixture(max(w00, 1), w11, w10, bits00, bits11, bits10)
	for i, s := range surround {
		out[i] = int16(surroundQ9*int32(s)>>9) + int16(currentQ14*int32(current[i])>>14)
	}
}

// mixture solves for the weights of surround and current under the constraint of
// section 4.6.4; w00, w11 and w10 are their energies and inner product, the bits…
// the sizes of these.
func mixture(w00, w11, w10 int32, bits00, bits11, bits10 int) (surroundQ9, currentQ14 int32) {
	down := max(bits00, bits11) - 15
	a, b, c := scale16(w00, -down), scale16(w11, -down), scale16(w10, -down)
	differenceQ16 := int32(1 << 16) // 1 - w10²/(w00·w11), times w11/w00
	if a*a > 1<<16 {
		differenceQ16 = quotient(max(b*a-c*c, 0), int16(a*a>>16))
	}
	if differenceQ16 <= 7 {
		// The cycles hardly differ: nothing to smooth.
		return 0, 1 << 14
	}
	var root int32
	if n := bitLen(differenceQ16) - 15; n > 0 {
		root = rootFloor(quotient(changeRootQ34>>uint(n), int16(differenceQ16>>uint(n))))
	} else {
		root = rootFloor(quotient(changeRootQ34, int16(differenceQ16)))
	}
	surroundQ9 = int32(int16(root))

	up10 := 31 - bits10
	down00 := 21 - up10
	inner := scale(w10, up10)
	if w10 == 0 {
		inner = 0
	}
	energy := scale(w00, -down00)
	if n := bits00 - down00 - 15; n > 0 {
		inner >>= uint(n)
		energy >>= uint(n)
	}
	if energy <= 0 || inner <= 0 {
		return 0, 1 << 14
	}
	ratio := quotient(inner, int16(energy))
	if bitLen(ratio)+bitLen(surroundQ9) > 31 {
		return surroundQ9, 0
	}
	return surroundQ9, int32(int16((1<<30 - changeHalfQ30 - surroundQ9*ratio) >> 16))
}
