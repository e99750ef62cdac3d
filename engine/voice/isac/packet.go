package isac

import (
	"fmt"
	"io"
)

const (
	// MaxPayloadBytes is the longest payload a decoder takes.
	MaxPayloadBytes = 600
	// minPayloadBytes is the shortest code string: no encoder comes below it.
	minPayloadBytes = 10
	// maxLayers bounds the layers behind a code string, itself counted (3.1).
	maxLayers = 10
)

// packet is a payload, read: the lower layer's symbols.
type packet struct {
	blocks         int // 1 (30 ms) or 2 (60 ms)
	bandwidthIndex int
	codeLength     int
	finalW         uint32
	ambiguous      bool // some envelope differs between the overflow forms
	form           overflowForm
	block          [2]block
}

// readHeader reads the first two symbols.
func readHeader(d *rangeDecoder) (blocks, bandwidthIndex int, err error) {
	blocks = d.symbol(frameLengthCDF[:])
	bandwidthIndex = d.symbol(bandwidthIndexCDF[:])
	if blocks == 0 || d.corrupt {
		return 0, 0, fmt.Errorf("%w: illegal frame length symbol", ErrCorrupt)
	}
	return blocks, bandwidthIndex, nil
}

func checkSize(payload []byte) error {
	switch {
	case len(payload) < minPayloadBytes:
		return fmt.Errorf("isac: payload of %d bytes: %w", len(payload), io.ErrUnexpectedEOF)
	case len(payload) > MaxPayloadBytes:
		return fmt.Errorf("%w: %d bytes, at most %d", ErrCorrupt, len(payload), MaxPayloadBytes)
	}
	return nil
}

// read reads all symbols of a payload's lower layer. If that fails with the
// wide form of envelope arithmetic and the wrapping form would differ, it tries
// that (6.3).
func (p *packet) read(d *rangeDecoder, payload []byte) error {
	if err := checkSize(payload); err != nil {
		return err
	}
	err := p.readForm(d, payload, wideForm)
	if err != nil && p.ambiguous {
		err = p.readForm(d, payload, wrapForm)
	}
	return err
}

func (p *packet) readForm(d *rangeDecoder, payload []byte, form overflowForm) error {
	d.reset(payload)
	p.ambiguous, p.form = false, form
	var err error
	if p.blocks, p.bandwidthIndex, err = readHeader(d); err != nil {
		return err
	}
	for i := range p.blocks {
		b := &p.block[i]
		b.envelope.ambiguous = false
		b.read(d, form)
		p.ambiguous = p.ambiguous || b.envelope.ambiguous
		if d.corrupt {
			return fmt.Errorf("%w: impossible symbol in block %d", ErrCorrupt, i)
		}
	}
	p.codeLength, p.finalW = d.codeLength(), d.w
	if !layersFit(payload, p.codeLength) {
		return fmt.Errorf("%w: %d bytes do not end a layer behind a code string of %d", ErrCorrupt, len(payload), p.codeLength)
	}
	return nil
}

// layersFit reports whether the bytes behind the code string are a chain of
// layers, each beginning with its own length, that ends with the payload
// (3.1). Padding is such a layer, and so is the upper band.
func layersFit(payload []byte, codeLength int) bool {
	at := codeLength
	for n := 1; at < len(payload) && n < maxLayers; n++ {
		if payload[at] == 0 {
			return false
		}
		at += int(payload[at])
	}
	return at == len(payload)
}
