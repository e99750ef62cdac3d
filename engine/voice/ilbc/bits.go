package ilbc

// unpack reads the parameters of a frame, which has the mode's length.
func (p *params) unpack(g *geometry, frame []byte) {
	*p = params{}
	bit := 0
	for class := range 3 {
		for i := range g.layout {
			f := &g.layout[i]
			n := int(f.classes[class])
			if n == 0 {
				continue
			}
			for k := range p[f.at : f.at+f.count] {
				v := p[int(f.at)+k]
				for range n {
					v = v<<1 | int16(frame[bit>>3]>>(7-bit&7)&1)
					bit++
				}
				p[int(f.at)+k] = v
			}
		}
	}
}

// pack writes the parameters into a frame of the mode's length.
func (p *params) pack(g *geometry, frame []byte) {
	clear(frame)
	bit := 0
	for class := range 3 {
		for i := range g.layout {
			f := &g.layout[i]
			n := f.classes[class]
			if n == 0 {
				continue
			}
			var below uint8 // bits of the parameter in later classes
			for _, c := range f.classes[class+1:] {
				below += c
			}
			for _, v := range p[f.at : f.at+f.count] {
				for k := below + n; k > below; k-- {
					frame[bit>>3] |= byte(v>>(k-1)&1) << (7 - bit&7)
					bit++
				}
			}
		}
	}
}

// spreadCode undoes packCode.
func (p *params) spreadCode() {
	c := p.code(1)
	for k := 1; k < stages; k++ {
		switch {
		case c[k] >= 108 && c[k] < 128:
			c[k] += 128
		case c[k] >= 44 && c[k] < 108:
			c[k] += 64
		}
	}
}

// packCode renumbers the second and third vector of the first whole sub-frame,
// which are searched over a part of the codebook only, to fit seven bits.
func (p *params) packCode() {
	c := p.code(1)
	for k := 1; k < stages; k++ {
		switch {
		case c[k] >= 236:
			c[k] -= 128
		case c[k] >= 108 && c[k] < 172:
			c[k] -= 64
		}
	}
}

// valid says whether the frame can be decoded: a sender never uses the other
// values, so they mean that the frame is damaged or empty.
func (p *params) valid(g *geometry) bool {
	if p[atEmpty] != 0 || p[atStart] < 1 || int(p[atStart]) >= g.subframes {
		return false
	}
	// The codebook for the rest of the state block is not a power of two.
	limit := int16(2 * (stateMemory - (stateBlock - g.state) + 1))
	for _, c := range p.code(0) {
		if c >= limit {
			return false
		}
	}
	return true
}
