package voicecmd

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/g711"
	"github.com/edgecam/edgecam/engine/voice/g722"
	"github.com/edgecam/edgecam/engine/voice/ilbc"
	"github.com/edgecam/edgecam/engine/voice/opus"
)

// EncodeOptions are the options of "edgecam voice encode".
type EncodeOptions struct {
	// Codec is one of Codecs.
	Codec string
	// In is a WAV file of the codec's rate, Out gets the packets, each behind its
	// length in two bytes, big-endian.
	In, Out string
	// BitrateBps is the target rate of Opus and iSAC; 0: the codec's default.
	BitrateBps int
	// FrameMs is for iSAC: 30, 60 or adaptive; empty: 30.
	FrameMs string
	// PiecewiseMap is for iSAC: it codes for decoders without the exact map.
	PiecewiseMap bool
}

// DecodeOptions are the options of "edgecam voice decode".
type DecodeOptions struct {
	// Codec is one of Codecs.
	Codec string
	// In holds packets as written by Encode, Out is a WAV file.
	In, Out string
	// Loss, unless empty, is a file with a 0 or 1 per packet, in one line or in
	// many: 1 is lost and concealed. Packets after its end are not lost.
	Loss string
	// NoEnhancer leaves out iLBC's enhancer and its delay.
	NoEnhancer bool
	// ExactMap is for isac16: see ISACDecodeOptions.
	ExactMap bool
}

// frameEncoder and packetDecoder are what the codecs have in common here.
type frameEncoder interface {
	RateHz() int
	FrameSamples() int
	MaxPacketBytes() int
	Encode(pcm []int16, packet []byte) (int, error)
}

type packetDecoder interface {
	RateHz() int
	MaxSamples() int
	Decode(packet []byte, pcm []int16) (int, error)
	Conceal(pcm []int16) (int, error)
}

// fecDecoder is a packetDecoder whose packets may carry the one before again.
type fecDecoder interface {
	DecodeFEC(packet []byte, pcm []int16) (int, error)
}

type codec struct {
	name       string
	newEncoder func(EncodeOptions) (frameEncoder, error)
	newDecoder func(DecodeOptions) (packetDecoder, error)
}

var codecs = []codec{
	{"ilbc20", ilbcEncoder(ilbc.Mode20), ilbcDecoder(ilbc.Mode20)},
	{"ilbc30", ilbcEncoder(ilbc.Mode30), ilbcDecoder(ilbc.Mode30)},
	{"opus", newOpusEncoder, func(DecodeOptions) (packetDecoder, error) { return opus.NewDecoder() }},
	{
		"g722",
		func(EncodeOptions) (frameEncoder, error) { return g722.NewEncoder(), nil },
		func(DecodeOptions) (packetDecoder, error) { return g722.NewDecoder(), nil },
	},
	{"pcmu", g711Encoder(g711.ULaw), g711Decoder(g711.ULaw)},
	{"pcma", g711Encoder(g711.ALaw), g711Decoder(g711.ALaw)},
}

// Codecs returns the names that Encode and Decode take.
func Codecs() []string {
	var names []string
	for _, c := range codecs {
		names = append(names, c.name)
	}
	return append(names, codecISAC16, codecISAC32)
}

func findCodec(name string) (codec, error) {
	if i := slices.IndexFunc(codecs, func(c codec) bool { return c.name == name }); i >= 0 {
		return codecs[i], nil
	}
	return codec{}, fmt.Errorf("%w: --codec %q, must be one of %s", ErrUsage, name, strings.Join(Codecs(), ", "))
}

func ilbcEncoder(mode ilbc.Mode) func(EncodeOptions) (frameEncoder, error) {
	return func(EncodeOptions) (frameEncoder, error) { return ilbc.NewEncoder(mode) }
}

func ilbcDecoder(mode ilbc.Mode) func(DecodeOptions) (packetDecoder, error) {
	return func(o DecodeOptions) (packetDecoder, error) {
		return ilbc.NewDecoder(ilbc.DecoderConfig{Mode: mode, NoEnhancer: o.NoEnhancer})
	}
}

func g711Encoder(law g711.Law) func(EncodeOptions) (frameEncoder, error) {
	return func(EncodeOptions) (frameEncoder, error) { return g711.NewEncoder(law), nil }
}

func g711Decoder(law g711.Law) func(DecodeOptions) (packetDecoder, error) {
	return func(DecodeOptions) (packetDecoder, error) { return g711.NewDecoder(law), nil }
}

// opusFrames gives Opus' encoder, which takes the engine's blocks, whole frames.
type opusFrames struct{ enc *opus.Encoder }

func newOpusEncoder(o EncodeOptions) (frameEncoder, error) {
	e, err := opus.NewEncoder(opus.EncoderConfig{BitrateBps: o.BitrateBps})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return &opusFrames{e}, nil
}

func (e *opusFrames) RateHz() int         { return media.EngineRateHz }
func (e *opusFrames) FrameSamples() int   { return opus.PacketSamples }
func (e *opusFrames) MaxPacketBytes() int { return opus.MaxPacketBytes }

func (e *opusFrames) Encode(pcm []int16, packet []byte) (int, error) {
	var b media.Block
	for len(pcm) >= len(b.Samples) {
		copy(b.Samples[:], pcm)
		pcm = pcm[len(b.Samples):]
		p, ok, err := e.enc.Encode(&b)
		if err != nil {
			return 0, err
		}
		if ok {
			return copy(packet, p.Data), nil
		}
	}
	return 0, nil
}

// Encode codes o.In to o.Out; samples after the last whole frame are left out. A
// summary goes to stderr. Errors of input and options wrap ErrUsage.
func Encode(o EncodeOptions, stderr io.Writer) error {
	if o.Codec == codecISAC16 || o.Codec == codecISAC32 {
		return ISACEncode(ISACEncodeOptions(o), stderr)
	}
	c, err := findCodec(o.Codec)
	if err != nil {
		return err
	}
	if o.In == "" || o.Out == "" {
		return fmt.Errorf("%w: an input and an output file are needed", ErrUsage)
	}
	if o.FrameMs != "" || o.PiecewiseMap {
		return fmt.Errorf("%w: only iSAC has a choice of frame length or map: leave --frame-ms and --piecewise-map out", ErrUsage)
	}
	if o.BitrateBps != 0 && o.Codec != "opus" {
		return fmt.Errorf("%w: the bit rate of %s is fixed: leave --bitrate out", ErrUsage, o.Codec)
	}
	e, err := c.newEncoder(o)
	if err != nil {
		return err
	}
	in, err := readWAV(o.In)
	if err != nil {
		return err
	}
	if in.rateHz != e.RateHz() {
		return fmt.Errorf("%w: %s has %d Hz, %s codes %d Hz: convert it, for example with 'ffmpeg -ar %d'", ErrUsage, o.In, in.rateHz, o.Codec, e.RateHz(), e.RateHz())
	}
	var out []byte
	packet := make([]byte, e.MaxPacketBytes())
	count, n := 0, e.FrameSamples()
	for x := in.samples; len(x) >= n; x = x[n:] {
		size, err := e.Encode(x[:n], packet)
		if err != nil {
			return fmt.Errorf("voice: frame %d: %w", count, err)
		}
		out = binary.BigEndian.AppendUint16(out, uint16(size))
		out = append(out, packet[:size]...)
		count++
	}
	if err := os.WriteFile(o.Out, out, 0o644); err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	if _, err := fmt.Fprintf(stderr, "%d packets, %d bytes\n", count, len(out)-2*count); err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	return nil
}

// Decode decodes o.In to o.Out. Lost and corrupt packets are mended from the next
// packet's redundancy where there is one, otherwise concealed; how many there were
// goes to stderr. Errors of input and options wrap ErrUsage.
func Decode(o DecodeOptions, stderr io.Writer) error {
	if o.NoEnhancer && !strings.HasPrefix(o.Codec, "ilbc") {
		return fmt.Errorf("%w: only iLBC has an enhancer: leave --no-enhancer out", ErrUsage)
	}
	if o.ExactMap && o.Codec != codecISAC16 {
		return fmt.Errorf("%w: only isac16 has a choice of map: leave --exact-map out", ErrUsage)
	}
	if o.Codec == codecISAC16 || o.Codec == codecISAC32 {
		return ISACDecode(ISACDecodeOptions{Codec: o.Codec, In: o.In, Out: o.Out, Loss: o.Loss, ExactMap: o.ExactMap}, stderr)
	}
	c, err := findCodec(o.Codec)
	if err != nil {
		return err
	}
	if o.In == "" || o.Out == "" {
		return fmt.Errorf("%w: an input and an output file are needed", ErrUsage)
	}
	lost, err := lossMarks(o.Loss)
	if err != nil {
		return err
	}
	packets, err := packetsOf(o.In)
	if err != nil {
		return err
	}
	for i := range packets {
		if i < len(lost) && lost[i] {
			packets[i] = nil
		}
	}
	d, err := c.newDecoder(o)
	if err != nil {
		return err
	}
	samples, mended, concealed, err := decodePackets(d, packets)
	if err != nil {
		return fmt.Errorf("voice: %s: %w", o.In, err)
	}
	if err := writeWAV(o.Out, sound{rateHz: d.RateHz(), samples: samples}); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stderr, "%d packets, %d concealed, %d mended\n", len(packets), concealed, mended); err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	return nil
}

// decodePackets decodes packets, of which the lost ones are nil.
func decodePackets(d packetDecoder, packets [][]byte) (samples []int16, mended, concealed int, err error) {
	pcm := make([]int16, d.MaxSamples())
	fec, hasFEC := d.(fecDecoder)
	for i, p := range packets {
		n := 0
		if p != nil {
			// What cannot be decoded is concealed, like what is lost.
			n, _ = d.Decode(p, pcm)
		}
		if n == 0 && hasFEC && i+1 < len(packets) && packets[i+1] != nil {
			if n, _ = fec.DecodeFEC(packets[i+1], pcm); n > 0 {
				mended++
			}
		}
		if n == 0 {
			if n, err = d.Conceal(pcm); err != nil {
				return nil, 0, 0, err
			}
			concealed++
		}
		if samples = append(samples, pcm[:n]...); len(samples) > maxSamples {
			return nil, 0, 0, fmt.Errorf("decodes to more than %d samples: cut it into pieces", maxSamples)
		}
	}
	return samples, mended, concealed, nil
}

// packetsOf reads a file of packets, each behind its length.
func packetsOf(path string) ([][]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	var packets [][]byte
	for len(raw) > 0 {
		if len(raw) < 2 {
			return nil, fmt.Errorf("%w: %s ends within the length of packet %d: give a complete file: %w", ErrUsage, path, len(packets), io.ErrUnexpectedEOF)
		}
		size := int(binary.BigEndian.Uint16(raw))
		if raw = raw[2:]; size > len(raw) {
			return nil, fmt.Errorf("%w: %s ends within packet %d: give a complete file of 2-byte big-endian lengths and packets: %w", ErrUsage, path, len(packets), io.ErrUnexpectedEOF)
		}
		packets = append(packets, raw[:size:size])
		raw = raw[size:]
	}
	return packets, nil
}

// lossMarks reads a file of zeros and ones; no file means no losses.
func lossMarks(path string) ([]bool, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	var lost []bool
	for i, b := range raw {
		switch b {
		case '0', '1':
			lost = append(lost, b == '1')
		case ' ', '\t', '\r', '\n':
		default:
			return nil, fmt.Errorf("%w: %s: byte %d is %q, only 0, 1 and white space are taken", ErrUsage, path, i, b)
		}
	}
	return lost, nil
}
