package h264

import (
	"bytes"
	"fmt"
)

// Bounds of what is kept: streams of encoders have one set of each kind, of some
// ten bytes.
const (
	maxSets     = 16
	maxSetBytes = 1024
)

// ParameterSets keeps the parameter sets of a stream, for who joins at a key frame:
// encoders and cameras need not repeat them there. The zero value is empty.
type ParameterSets struct {
	sets [][]byte // in the order of the stream, one for each kind and id
	sps  SPS
	has  bool
	unit []byte
}

// SPS returns what the last sequence parameter set says.
func (p *ParameterSets) SPS() (SPS, bool) { return p.sps, p.has }

// Complete takes note of the parameter sets in an access unit and returns it with
// all that a decoder needs: unit itself, or, where it is a key frame without them, a
// copy with the known sets in front, valid until the next call. ok is false for a
// key frame for which no parameter sets are known. Errors say what is wrong with
// parameter sets; these are not kept.
func (p *ParameterSets) Complete(unit []byte) (_ []byte, c Contents, ok bool, err error) {
	c = Inspect(unit)
	if c.SPS || c.PPS {
		err = p.note(unit)
	}
	if !c.Key || c.SPS && c.PPS {
		return unit, c, true, err
	}
	if !p.has || !p.hasPPS() {
		return unit, c, false, err
	}
	p.unit = p.unit[:0]
	for _, s := range p.sets {
		p.unit = append(append(p.unit, 0), startCode...)
		p.unit = append(p.unit, s...)
	}
	p.unit = append(p.unit, unit...)
	c.SPS, c.PPS = true, true
	return p.unit, c, true, err
}

func (p *ParameterSets) hasPPS() bool {
	for _, s := range p.sets {
		if TypeOf(s) == TypePPS {
			return true
		}
	}
	return false
}

func (p *ParameterSets) note(unit []byte) error {
	for nal, rest := Next(unit); nal != nil; nal, rest = Next(rest) {
		t := TypeOf(nal)
		if t != TypeSPS && t != TypePPS || p.known(nal) {
			continue
		}
		if len(nal) > maxSetBytes {
			return fmt.Errorf("h264: parameter set of %d bytes, at most %d are taken", len(nal), maxSetBytes)
		}
		if t == TypeSPS {
			sps, err := ParseSPS(nal)
			if err != nil {
				return err
			}
			if p.has && sps != p.sps {
				p.sets = p.sets[:0] // another stream begins
			}
			p.sps, p.has = sps, true
		}
		id, err := setID(nal)
		if err != nil {
			return err
		}
		p.put(t, id, nal)
	}
	return nil
}

func (p *ParameterSets) known(nal []byte) bool {
	for _, s := range p.sets {
		if bytes.Equal(s, nal) {
			return true
		}
	}
	return false
}

func (p *ParameterSets) put(t Type, id uint32, nal []byte) {
	for i, s := range p.sets {
		if old, err := setID(s); err == nil && TypeOf(s) == t && old == id {
			p.sets[i] = append(s[:0], nal...)
			return
		}
	}
	if len(p.sets) < maxSets {
		p.sets = append(p.sets, bytes.Clone(nal))
	}
}

// setID reads a parameter set's own id.
func setID(nal []byte) (uint32, error) {
	r := bitReader{data: nal[1:]}
	if TypeOf(nal) == TypeSPS {
		r.bits(24) // profile, constraints, level
	}
	id := r.ue()
	return id, r.err
}
