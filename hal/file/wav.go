package file

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Limits on the rate of a WAV file.
const (
	minRateHz = 4000
	maxRateHz = 384000
)

// wavFile reads 16-bit PCM from a RIFF WAVE file, mixed down to mono, in an
// endless loop.
type wavFile struct {
	f        *os.File
	r        *bufio.Reader
	rateHz   int
	channels int
	start    int64 // offset of the samples
	frames   int64 // sample frames in a round
	left     int64 // of this round
	read     int64 // frames of this round that were really there
}

const (
	wavePCM        = 1
	waveExtensible = 0xFFFE
)

func openWAV(path string) (*wavFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	w := &wavFile{f: f, r: bufio.NewReaderSize(f, 1<<15)}
	if err := w.parse(); err != nil {
		_ = f.Close() // read only
		return nil, err
	}
	if err := w.rewind(); err != nil {
		_ = f.Close() // read only
		return nil, err
	}
	return w, nil
}

// parse walks the chunks up to "data".
func (w *wavFile) parse() error {
	st, err := w.f.Stat()
	if err != nil {
		return err
	}
	if st.Size() == 0 {
		return errors.New("the file is empty")
	}
	var h [12]byte
	if _, err := io.ReadFull(w.f, h[:]); err != nil || string(h[:4]) != "RIFF" || string(h[8:]) != "WAVE" {
		return errors.New("this is no WAV file: it does not start with RIFF and WAVE; convert it: ffmpeg -i IN -c:a pcm_s16le OUT.wav")
	}
	offset := int64(len(h))
	for {
		var c [8]byte
		if _, err := w.f.ReadAt(c[:], offset); err != nil {
			return fmt.Errorf("the WAV file ends at offset %d without samples: %w", st.Size(), io.ErrUnexpectedEOF)
		}
		size := int64(binary.LittleEndian.Uint32(c[4:]))
		body := offset + int64(len(c))
		switch string(c[:4]) {
		case "fmt ":
			if err := w.parseFormat(body, size); err != nil {
				return err
			}
		case "data":
			if w.channels == 0 {
				return fmt.Errorf(`WAV chunk "data" at offset %d comes before "fmt "`, offset)
			}
			// A file that is cut short, or that was written to a pipe (size 0 or
			// all ones), plays what is there.
			size = min(size, st.Size()-body)
			if declared := binary.LittleEndian.Uint32(c[4:]); declared == 0 {
				size = st.Size() - body
			}
			w.start, w.frames = body, size/int64(2*w.channels)
			if w.frames == 0 {
				return fmt.Errorf("the WAV file holds no sample after offset %d", body)
			}
			return nil
		}
		offset = body + size + size&1
	}
}

func (w *wavFile) parseFormat(body, size int64) error {
	var b [40]byte
	n := min(size, int64(len(b)))
	if _, err := w.f.ReadAt(b[:n], body); err != nil || n < 16 {
		return fmt.Errorf(`WAV chunk "fmt " at offset %d is incomplete: %w`, body-8, io.ErrUnexpectedEOF)
	}
	le := binary.LittleEndian
	tag, bits := le.Uint16(b[:]), le.Uint16(b[14:])
	if tag == waveExtensible && n >= 26 {
		tag = le.Uint16(b[24:])
	}
	w.channels, w.rateHz = int(le.Uint16(b[2:])), int(le.Uint32(b[4:]))
	switch {
	case tag == 3:
		return fmt.Errorf("the WAV file holds %d-bit float samples, only 16-bit PCM is played; convert it: ffmpeg -i IN -c:a pcm_s16le OUT.wav", bits)
	case tag != wavePCM:
		return fmt.Errorf("the WAV file has format tag %d, only 16-bit PCM (1) is played; convert it: ffmpeg -i IN -c:a pcm_s16le OUT.wav", tag)
	case bits != 16:
		return fmt.Errorf("the WAV file holds %d-bit samples, only 16-bit PCM is played; convert it: ffmpeg -i IN -c:a pcm_s16le OUT.wav", bits)
	case w.channels != 1 && w.channels != 2:
		return fmt.Errorf("the WAV file has %d channels, only 1 or 2 are played; convert it: ffmpeg -i IN -ac 1 OUT.wav", w.channels)
	case w.rateHz < minRateHz || w.rateHz > maxRateHz:
		return fmt.Errorf("the WAV file's rate of %d Hz is out of range (%d to %d)", w.rateHz, minRateHz, maxRateHz)
	}
	return nil
}

func (w *wavFile) rewind() error {
	if _, err := w.f.Seek(w.start, io.SeekStart); err != nil {
		return err
	}
	w.r.Reset(w.f)
	w.left, w.read = w.frames, 0
	return nil
}

// next returns the next sample, full scale 32768.
func (w *wavFile) next() (float32, error) {
	if w.left == 0 {
		if err := w.rewind(); err != nil {
			return 0, err
		}
	}
	b, err := w.r.Peek(2 * w.channels)
	if err != nil {
		// The file became shorter while it was played: go on with what is left.
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
		if w.read == 0 {
			return 0, errors.New("the recording has no sample left: it changed while it was played")
		}
		w.left = 0
		return w.next()
	}
	v := float32(int16(binary.LittleEndian.Uint16(b)))
	if w.channels == 2 {
		v = (v + float32(int16(binary.LittleEndian.Uint16(b[2:])))) / 2
	}
	if _, err := w.r.Discard(len(b)); err != nil {
		return 0, err
	}
	w.left--
	w.read++
	return v, nil
}

func (w *wavFile) close() { _ = w.f.Close() } // read only
