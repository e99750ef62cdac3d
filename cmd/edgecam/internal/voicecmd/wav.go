package voicecmd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// ErrUsage is the error of input that the command cannot take: wrong options
// or a file of another kind. It stands for exit code 2.
var ErrUsage = errors.New("voice")

// sound is 16-bit PCM of one channel.
type sound struct {
	rateHz  int
	samples []int16
}

// maxSamples bounds what a command reads into memory: three hours at 48 kHz.
const maxSamples = 3 * 3600 * 48000

const (
	wavPCM        = 1
	wavExtensible = 0xFFFE
)

// readWAV reads a RIFF/WAVE file of 16-bit PCM with one channel. Anything else
// is an error that wraps ErrUsage and says what to do.
func readWAV(path string) (sound, error) {
	f, err := os.Open(path)
	if err != nil {
		return sound{}, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	defer f.Close()
	s, err := decodeWAV(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return sound{}, fmt.Errorf("%w: %s: %w", ErrUsage, path, err)
	}
	return s, nil
}

func decodeWAV(r io.Reader) (sound, error) {
	var s sound
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return s, fmt.Errorf("shorter than a WAV header (12 bytes): give a complete RIFF/WAVE file: %w", io.ErrUnexpectedEOF)
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return s, errors.New("not a RIFF/WAVE file: convert it, for example with 'ffmpeg -i IN -ac 1 -c:a pcm_s16le OUT.wav'")
	}
	for {
		var chunk [8]byte
		if _, err := io.ReadFull(r, chunk[:]); err != nil {
			return s, fmt.Errorf("ends before the data chunk: give a complete file: %w", io.ErrUnexpectedEOF)
		}
		size := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch string(chunk[:4]) {
		case "fmt ":
			if err := s.readFormat(r, size); err != nil {
				return s, err
			}
		case "data":
			if s.rateHz == 0 {
				return s, errors.New("its data chunk comes before its fmt chunk: write the file anew")
			}
			return s, s.readData(r, size)
		default:
			if _, err := io.CopyN(io.Discard, r, size+size&1); err != nil {
				return s, fmt.Errorf("ends within chunk %q: give a complete file: %w", chunk[:4], io.ErrUnexpectedEOF)
			}
		}
	}
}

func (s *sound) readFormat(r io.Reader, size int64) error {
	if size < 16 || size > 4096 {
		return fmt.Errorf("its fmt chunk has %d bytes, at least 16 are needed: write the file anew", size)
	}
	b := make([]byte, size+size&1)
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("ends within its fmt chunk: give a complete file: %w", io.ErrUnexpectedEOF)
	}
	le := binary.LittleEndian
	format, channels, rate, bits := le.Uint16(b), le.Uint16(b[2:]), le.Uint32(b[4:]), le.Uint16(b[14:])
	if format == wavExtensible && size >= 26 {
		format = le.Uint16(b[24:]) // the sub-format's first two bytes
	}
	switch {
	case format != wavPCM || bits != 16:
		return fmt.Errorf("has %d-bit samples of format %d: 16-bit PCM (format 1) is needed, convert with 'ffmpeg -c:a pcm_s16le'", bits, format)
	case channels != 1:
		return fmt.Errorf("has %d channels: one is needed, convert with 'ffmpeg -ac 1'", channels)
	case rate < 8000 || rate > 192000:
		return fmt.Errorf("has a rate of %d Hz: 8000 to 192000 are taken", rate)
	}
	s.rateHz = int(rate)
	return nil
}

func (s *sound) readData(r io.Reader, size int64) error {
	switch {
	case size == 0:
		return errors.New("has no samples")
	case size%2 != 0:
		return fmt.Errorf("has %d bytes of samples, not a multiple of 2: it was cut off", size)
	case size/2 > maxSamples:
		return fmt.Errorf("has %d samples, at most %d are taken: cut it into pieces", size/2, maxSamples)
	}
	var buf [1 << 14]byte
	s.samples = make([]int16, 0, min(size/2, 1<<22)) // the header's word is taken for so much
	for size > 0 {
		n, err := io.ReadFull(r, buf[:min(size, int64(len(buf)))])
		if err != nil {
			return fmt.Errorf("ends within its samples, %d bytes are missing: give a complete file: %w", size-int64(n), io.ErrUnexpectedEOF)
		}
		at := len(s.samples)
		s.samples = slices.Grow(s.samples, n/2)[:at+n/2]
		getLittle(s.samples[at:], buf[:n])
		size -= int64(n)
	}
	return nil
}

// writeWAV writes s to path.
func writeWAV(path string, s sound) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	err = encodeWAV(f, s)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("voice: %s: %w", path, err)
	}
	return nil
}

func encodeWAV(w io.Writer, s sound) error {
	data := uint32(2 * len(s.samples))
	le := binary.LittleEndian
	block := append(make([]byte, 0, 1<<15), "RIFF"...)
	block = le.AppendUint32(block, 36+data)
	block = append(block, "WAVEfmt "...)
	block = le.AppendUint32(block, 16)
	block = le.AppendUint16(block, wavPCM)
	block = le.AppendUint16(block, 1)
	block = le.AppendUint32(block, uint32(s.rateHz))
	block = le.AppendUint32(block, uint32(s.rateHz)*2)
	block = le.AppendUint16(block, 2)
	block = le.AppendUint16(block, 16)
	block = append(block, "data"...)
	block = le.AppendUint32(block, data)
	for x := s.samples; ; {
		n := min(len(x), (cap(block)-len(block))/2)
		at := len(block)
		block = block[:at+2*n]
		putLittle(block[at:], x[:n])
		if _, err := w.Write(block); err != nil {
			return err
		}
		if x = x[n:]; len(x) == 0 {
			return nil
		}
		block = block[:0]
	}
}
