package voicecmd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/edgecam/edgecam/engine/voice/isac"
)

// ISACEncodeOptions are the options of "edgecam voice encode" with the codecs
// isac16 and isac32.
type ISACEncodeOptions struct {
	// Codec is isac16 or isac32.
	Codec string
	// In is a WAV file of the codec's rate, Out gets the payloads, each behind
	// its length in two bytes, big-endian.
	In, Out string
	// BitrateBps is the target rate; 0: the codec's highest.
	BitrateBps int
	// FrameMs is 30, 60 or adaptive; empty: 30.
	FrameMs string
	// PiecewiseMap codes for decoders that decode without ExactMap.
	PiecewiseMap bool
}

// ISACDecodeOptions are the options of "edgecam voice decode" with the codecs
// isac16 and isac32.
type ISACDecodeOptions struct {
	// Codec is isac16 or isac32.
	Codec string
	// In holds payloads as written by ISACEncode, Out is a WAV file.
	In, Out string
	// ExactMap is right for streams of floating-point encoders and of ISACEncode;
	// without it isac16 decodes like the deployed fixed-point decoders.
	ExactMap bool
	// Loss, unless empty, is a file with a line of 0 or 1 per payload: 1 is lost
	// and concealed.
	Loss string
}

// isacEncoder and isacDecoder are what both kinds of the codec have in common.
type isacEncoder interface {
	RateHz() int
	Encode(pcm []int16, dst []byte) (int, error)
}

type isacDecoder interface {
	RateHz() int
	MaxSamples() int
	Decode(payload []byte, pcm []int16) (int, error)
	Conceal(pcm []int16) (int, error)
}

const (
	codecISAC16 = "isac16"
	codecISAC32 = "isac32"
)

func errISACCodec(codec string) error {
	return fmt.Errorf("%w: --codec %q, must be one of %s", ErrUsage, codec, strings.Join(Codecs(), ", "))
}

func newISACEncoder(o *ISACEncodeOptions) (isacEncoder, error) {
	config := isac.EncoderConfig{BitrateBps: o.BitrateBps, PiecewiseMap: o.PiecewiseMap}
	switch o.FrameMs {
	case "", "30":
	case "60":
		config.FrameDuration = 60 * time.Millisecond
	case "adaptive":
		config.Adaptive = true
	default:
		return nil, fmt.Errorf("%w: --frame-ms %q, must be 30, 60 or adaptive", ErrUsage, o.FrameMs)
	}
	var e isacEncoder
	var err error
	switch o.Codec {
	case codecISAC16:
		e, err = isac.NewEncoder(config)
	case codecISAC32:
		e, err = isac.NewSuperWidebandEncoder(config)
	default:
		return nil, errISACCodec(o.Codec)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return e, nil
}

// ISACEncode codes o.In to o.Out. The last block is filled up with silence.
// A summary goes to stderr. Errors of input and options wrap ErrUsage.
func ISACEncode(o ISACEncodeOptions, stderr io.Writer) error {
	e, err := newISACEncoder(&o)
	if err != nil {
		return err
	}
	if o.In == "" || o.Out == "" {
		return fmt.Errorf("%w: an input and an output file are needed", ErrUsage)
	}
	in, err := readWAV(o.In)
	if err != nil {
		return err
	}
	if in.rateHz != e.RateHz() {
		return fmt.Errorf("%w: %s has %d Hz, %s codes %d Hz: convert it, for example with 'ffmpeg -ar %d'", ErrUsage, o.In, in.rateHz, o.Codec, e.RateHz(), e.RateHz())
	}
	f, err := os.Create(o.Out)
	if err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	count, size, err := writePayloads(f, e, in.samples)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("voice: %s: %w", o.Out, err)
	}
	if _, err := fmt.Fprintf(stderr, "%d packets, %d bytes\n", count, size); err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	return nil
}

// writePayloads codes samples to f and returns how many payloads there were, and
// their bytes.
func writePayloads(f io.Writer, e isacEncoder, samples []int16) (count, total int, err error) {
	w := bufio.NewWriterSize(f, 1<<16)
	block := make([]int16, e.RateHz()*30/1000)
	buf := make([]byte, 2+isac.MaxPayloadBytes)
	pending := false
	for len(samples) > 0 || pending {
		n := copy(block, samples)
		clear(block[n:])
		samples = samples[n:]
		size, err := e.Encode(block, buf[2:])
		if err != nil {
			return 0, 0, err
		}
		if pending = size == 0; pending {
			continue // the payload waits for its second block
		}
		binary.BigEndian.PutUint16(buf, uint16(size))
		if _, err := w.Write(buf[:2+size]); err != nil {
			return 0, 0, err
		}
		count++
		total += size
	}
	return count, total, w.Flush()
}

// ISACDecode decodes o.In to o.Out. Lost and corrupt payloads are concealed; how
// many there were goes to stderr. Errors of input and options wrap ErrUsage.
func ISACDecode(o ISACDecodeOptions, stderr io.Writer) error {
	var d isacDecoder
	switch o.Codec {
	case codecISAC16:
		d = isac.NewDecoder(isac.DecoderConfig{ExactMap: o.ExactMap})
	case codecISAC32:
		d = isac.NewSuperWidebandDecoder()
	default:
		return errISACCodec(o.Codec)
	}
	if o.In == "" || o.Out == "" {
		return fmt.Errorf("%w: an input and an output file are needed", ErrUsage)
	}
	lost, err := lossMarks(o.Loss)
	if err != nil {
		return err
	}
	f, err := os.Open(o.In)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	defer f.Close()
	samples, count, concealed, err := readPayloads(bufio.NewReaderSize(f, 1<<16), d, lost)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUsage, o.In, err)
	}
	if err := writeWAV(o.Out, sound{rateHz: d.RateHz(), samples: samples}); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stderr, "%d packets, %d concealed\n", count, concealed); err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	return nil
}

// readPayloads decodes all payloads of r; those that lost marks and those that
// cannot be decoded are concealed.
func readPayloads(r io.Reader, d isacDecoder, lost []bool) (samples []int16, count, concealed int, err error) {
	pcm := make([]int16, d.MaxSamples())
	payload := make([]byte, isac.MaxPayloadBytes)
	block := d.RateHz() * 30 / 1000
	last := block
	for ; ; count++ {
		var head [2]byte
		if _, err := io.ReadFull(r, head[:]); errors.Is(err, io.EOF) {
			return samples, count, concealed, nil
		} else if err != nil {
			return nil, 0, 0, fmt.Errorf("ends within the length of payload %d: give a complete file: %w", count, err)
		}
		size := int(binary.BigEndian.Uint16(head[:]))
		if size > len(payload) {
			return nil, 0, 0, fmt.Errorf("payload %d has %d bytes, at most %d are possible: give a file of 2-byte big-endian lengths and payloads", count, size, len(payload))
		}
		if _, err := io.ReadFull(r, payload[:size]); err != nil {
			return nil, 0, 0, fmt.Errorf("ends within payload %d: give a complete file: %w", count, io.ErrUnexpectedEOF)
		}
		n := 0
		if count >= len(lost) || !lost[count] {
			// What cannot be decoded is concealed, like what is lost.
			n, _ = d.Decode(payload[:size], pcm)
		}
		if n > 0 {
			last = n
			samples = append(samples, pcm[:n]...)
		} else {
			concealed++
			for at := 0; at < last; at += block {
				n, err := d.Conceal(pcm)
				if err != nil {
					return nil, 0, 0, err
				}
				samples = append(samples, pcm[:n]...)
			}
		}
		if len(samples) > maxSamples {
			return nil, 0, 0, fmt.Errorf("decodes to more than %d samples: cut it into pieces", maxSamples)
		}
	}
}
