package file

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// maxHeaderBytes bounds the header lines of YUV4MPEG2.
const maxHeaderBytes = 1024

// y4mReader reads YUV4MPEG2 with 8-bit 4:2:0 pictures.
type y4mReader struct {
	r      *bufio.Reader
	video  hal.VideoMode
	size   int
	frames int64
	offset int64 // of the next frame header
}

func newY4MReader(r io.Reader) (*y4mReader, error) {
	y := &y4mReader{r: bufio.NewReaderSize(r, 1<<16)}
	line, err := y.line()
	if err != nil {
		return nil, fmt.Errorf("the YUV4MPEG2 header at offset 0 is incomplete: %w", err)
	}
	if err := y.parseHeader(line); err != nil {
		return nil, err
	}
	y.offset = int64(len(line)) + 1
	y.size = y.video.Format.FrameSize(y.video.Width, y.video.Height)
	return y, nil
}

func (y *y4mReader) parseHeader(line string) error {
	fields := strings.Fields(line)
	if len(fields) == 0 || fields[0] != "YUV4MPEG2" {
		return errors.New(`this is no YUV4MPEG2 stream: the signature "YUV4MPEG2" is missing`)
	}
	m := hal.VideoMode{Format: media.FormatI420, FrameInterval: time.Second / 25}
	var err error
	for _, f := range fields[1:] {
		switch f[0] {
		case 'W':
			m.Width, err = strconv.Atoi(f[1:])
		case 'H':
			m.Height, err = strconv.Atoi(f[1:])
		case 'F':
			num, den, ok := strings.Cut(f[1:], ":")
			n, err1 := strconv.ParseInt(num, 10, 64)
			d, err2 := strconv.ParseInt(den, 10, 64)
			if !ok || err1 != nil || err2 != nil {
				err = errors.New("not a ratio")
			} else if n != 0 { // 0:0 is unknown
				m.FrameInterval = interval(n, d)
			}
		case 'C':
			switch f[1:] {
			case "420", "420jpeg", "420mpeg2", "420paldv":
			default:
				err = errors.New("the colour space is not 8-bit 4:2:0; convert it: ffmpeg -i IN -pix_fmt yuv420p OUT.y4m")
			}
		case 'I':
			if f != "Ip" && f != "I?" {
				err = errors.New("interlaced pictures are not supported; convert it: ffmpeg -i IN -vf yadif OUT.y4m")
			}
		}
		if err != nil {
			return fmt.Errorf("YUV4MPEG2 header field %q: %w", f, err)
		}
	}
	y.video = m
	return checkMode(m)
}

// line reads up to a newline, which it drops.
func (y *y4mReader) line() (string, error) {
	var b [maxHeaderBytes]byte
	for n := range b {
		c, err := y.r.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) && n > 0 {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
		if c == '\n' {
			return string(b[:n]), nil
		}
		b[n] = c
	}
	return "", fmt.Errorf("the line is longer than %d bytes", maxHeaderBytes)
}

// read fills buf with the next frame. io.EOF is the end, also where the last
// frame is cut short after at least one whole frame.
func (y *y4mReader) read(buf []byte) ([]byte, time.Duration, error) {
	if cap(buf) < y.size {
		buf = make([]byte, y.size)
	}
	buf = buf[:y.size]
	header, err := y.frameHeader()
	if err == nil {
		if _, err = io.ReadFull(y.r, buf); errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) && y.frames > 0 {
			return buf, 0, io.EOF
		}
		if errors.Is(err, io.EOF) && y.frames == 0 {
			err = errors.New("there is no frame after the header")
		}
		if errors.Is(err, io.EOF) {
			return buf, 0, io.EOF
		}
		return buf, 0, fmt.Errorf("YUV4MPEG2 frame at offset %d: %w", y.offset, err)
	}
	at := time.Duration(y.frames) * y.video.FrameInterval
	y.frames++
	y.offset += int64(header + y.size)
	return buf, at, nil
}

// frameHeader reads "FRAME" and its parameters, and returns its length. It
// does not allocate.
func (y *y4mReader) frameHeader() (int, error) {
	const word = "FRAME"
	for n := range maxHeaderBytes {
		c, err := y.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return n, io.ErrUnexpectedEOF
		case err != nil:
			return n, err
		case n < len(word) && c != word[n]:
			return n, fmt.Errorf(`%q expected`, word)
		case c == '\n':
			return n + 1, nil
		}
	}
	return maxHeaderBytes, fmt.Errorf("the frame header is longer than %d bytes", maxHeaderBytes)
}

// y4mFile is a source on a file.
type y4mFile struct {
	*y4mReader
	f *os.File
}

func openY4M(f *os.File) (source, error) {
	s := &y4mFile{f: f}
	err := s.rewind()
	if err == nil {
		// Whatever cannot play at all is found here, not at the first Read.
		if _, _, err = s.read(nil); err == nil {
			err = s.rewind()
		}
	}
	if err != nil {
		_ = f.Close() // read only
		return nil, err
	}
	return s, nil
}

func (s *y4mFile) mode() hal.VideoMode { return s.video }

func (s *y4mFile) rewind() error {
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r, err := newY4MReader(s.f)
	if err != nil {
		return err
	}
	if s.y4mReader != nil && r.video != s.video {
		return errors.New("the clip changed its size or rate while it was played")
	}
	s.y4mReader = r
	return nil
}

func (s *y4mFile) close() { _ = s.f.Close() } // read only
