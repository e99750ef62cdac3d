package file

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// ivfFile is a source of VP8 frames from an IVF file:
//
//	file:  "DKIF", version u16, header length u16, FourCC, width u16,
//	       height u16, time base denominator u32, numerator u32, frames u32,
//	       unused u32 (little endian)
//	frame: length u32, time stamp u64 in units of the time base, data
type ivfFile struct {
	f        *os.File
	r        *bufio.Reader
	video    hal.VideoMode
	num, den uint32
	first    uint64 // time stamp of the round's first frame
	lastAt   time.Duration
	frames   int
	offset   int64
	hdr      [12]byte
}

const ivfHeaderBytes = 32

func openIVF(f *os.File) (source, error) {
	s := &ivfFile{f: f}
	err := s.rewind()
	if err == nil {
		err = s.measure()
	}
	if err != nil {
		_ = f.Close() // read only
		return nil, err
	}
	return s, nil
}

func (s *ivfFile) mode() hal.VideoMode { return s.video }

// measure finds the frame interval: the time base says it in most files, but
// may be finer (1/90000), so the first two time stamps do.
func (s *ivfFile) measure() error {
	buf, _, err := s.read(nil)
	if err != nil {
		return err
	}
	if buf[0]&1 != 0 {
		return errors.New("the first frame is not a key frame")
	}
	switch _, at, err := s.read(buf); {
	case err == nil && at > 0:
		s.video.FrameInterval = at
	case err != nil && !errors.Is(err, io.EOF):
		return err
	default:
		s.video.FrameInterval = interval(int64(s.den), int64(s.num))
	}
	s.video.FrameInterval = min(max(s.video.FrameInterval, minInterval), maxInterval)
	if err := checkMode(s.video); err != nil {
		return err
	}
	return s.rewind()
}

func (s *ivfFile) rewind() error {
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if s.r == nil {
		s.r = bufio.NewReaderSize(s.f, 1<<16)
	} else {
		s.r.Reset(s.f)
	}
	var h [ivfHeaderBytes]byte
	if _, err := io.ReadFull(s.r, h[:]); err != nil {
		return fmt.Errorf("the IVF header at offset 0 is incomplete: %w", io.ErrUnexpectedEOF)
	}
	le := binary.LittleEndian
	if codec := string(h[8:12]); codec != "VP80" {
		return fmt.Errorf("IVF holds codec %q, only VP80 is played natively; convert it: ffmpeg -i IN -c:v libvpx OUT.ivf", codec)
	}
	skip := int(le.Uint16(h[6:])) - ivfHeaderBytes
	if skip < 0 {
		return fmt.Errorf("IVF header length %d at offset 6 is less than %d", skip+ivfHeaderBytes, ivfHeaderBytes)
	}
	if _, err := s.r.Discard(skip); err != nil {
		return fmt.Errorf("the IVF header at offset 0 is incomplete: %w", io.ErrUnexpectedEOF)
	}
	w, ht := int(le.Uint16(h[12:])), int(le.Uint16(h[14:]))
	den, num := le.Uint32(h[16:]), le.Uint32(h[20:])
	if den == 0 || num == 0 {
		return errors.New("the IVF time base at offset 16 is zero")
	}
	if s.video.Width != 0 && (s.video.Width != w || s.video.Height != ht) {
		return errors.New("the clip changed its size while it was played")
	}
	s.video.Format, s.video.Width, s.video.Height = media.FormatVP8, w, ht
	// den ticks make num seconds.
	s.num, s.den = den, num
	s.frames, s.first, s.lastAt, s.offset = 0, 0, 0, int64(skip+ivfHeaderBytes)
	return nil
}

func (s *ivfFile) read(buf []byte) ([]byte, time.Duration, error) {
	fail := func(err error) ([]byte, time.Duration, error) {
		return buf, 0, fmt.Errorf("IVF frame at offset %d: %w", s.offset, err)
	}
	if _, err := io.ReadFull(s.r, s.hdr[:]); err != nil {
		if (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && s.frames > 0 {
			return buf, 0, io.EOF
		}
		if errors.Is(err, io.EOF) {
			err = errors.New("there is no frame after the header")
		}
		return fail(err)
	}
	size := int(binary.LittleEndian.Uint32(s.hdr[:]))
	stamp := binary.LittleEndian.Uint64(s.hdr[4:])
	if size < 1 || size > maxVP8Bytes {
		return fail(fmt.Errorf("length %d is out of range (1 to %d)", size, maxVP8Bytes))
	}
	if cap(buf) < size {
		buf = make([]byte, size+size/2)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(s.r, buf); err != nil {
		if (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && s.frames > 0 {
			return buf, 0, io.EOF
		}
		return fail(io.ErrUnexpectedEOF)
	}
	if s.frames == 0 {
		s.first = stamp
	}
	at := time.Duration(float64(stamp-s.first) * float64(s.den) / float64(s.num) * float64(time.Second))
	// A damaged time stamp must not stop the clip or run it backwards.
	if stamp < s.first || at < s.lastAt || at > s.lastAt+maxInterval {
		at = s.lastAt + s.video.FrameInterval
	}
	s.lastAt = at
	s.frames++
	s.offset += int64(size + len(s.hdr))
	return buf, at, nil
}

func (s *ivfFile) close() { _ = s.f.Close() } // read only
