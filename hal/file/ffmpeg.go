package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// startLimit bounds the time until ffmpeg delivers its first frame.
const startLimit = 15 * time.Second

// ffmpegClip is a source that ffmpeg decodes into YUV4MPEG2 on a pipe. Each
// round is a process of its own; it stops by itself when the pipe is full, so
// that playing paces it.
type ffmpegClip struct {
	program, path string
	video         hal.VideoMode
	reader        *y4mReader

	mu     sync.Mutex
	proc   *process
	closed bool
}

// process is a running ffmpeg.
type process struct {
	cmd    *exec.Cmd
	out    io.ReadCloser
	errors tail
}

func openFFmpeg(ctx context.Context, program, path string) (source, error) {
	found, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%s files are decoded by ffmpeg, which was not found: install ffmpeg, or give a .y4m or .ivf file (%w)", filepath.Ext(path), errors.Unwrap(err))
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s := &ffmpegClip{program: found, path: abs}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	stop := context.AfterFunc(ctx, s.close)
	err = s.rewind()
	if !stop() { // the context ended: the clip is closed
		return nil, fmt.Errorf("ffmpeg delivered no frame: %w", ctx.Err())
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.video = s.reader.video
	return s, nil
}

func (s *ffmpegClip) mode() hal.VideoMode { return s.video }

func (s *ffmpegClip) read(buf []byte) ([]byte, time.Duration, error) {
	frame, at, err := s.reader.read(buf)
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.explain(err)
	}
	return frame, at, err
}

// rewind ends the process and starts a new one.
func (s *ffmpegClip) rewind() error {
	p, err := s.restart()
	if err != nil {
		return err
	}
	r, err := newY4MReader(p.out)
	if err == nil {
		_, err = r.r.Peek(1) // the header is written before the first frame is decoded
	}
	if err != nil {
		return s.explain(err)
	}
	if s.video.Width != 0 && r.video != s.video {
		return errors.New("the clip changed its size or rate while it was played")
	}
	s.reader = r
	return nil
}

func (s *ffmpegClip) restart() (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, hal.ErrClosed
	}
	s.proc.stop()
	s.proc = nil
	p := &process{cmd: exec.Command(s.program, "-v", "error", "-nostdin",
		"-protocol_whitelist", "file,pipe", "-i", "file:"+s.path, "-map", "0:v:0",
		"-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "pipe:1")}
	p.cmd.Stderr = &p.errors
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.out = out
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", s.program, err)
	}
	s.proc = p
	return p, nil
}

// explain adds what ffmpeg said to err.
func (s *ffmpegClip) explain(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.proc == nil {
		return err
	}
	s.proc.stop() // its last words are complete after that
	if said := s.proc.errors.String(); said != "" {
		return fmt.Errorf("ffmpeg cannot decode it: %s", strings.ReplaceAll(said, "\n", "; "))
	}
	return fmt.Errorf("ffmpeg delivered no picture: %w", err)
}

func (s *ffmpegClip) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.proc.stop()
}

// stop kills the process and waits for its end. A second call does nothing.
func (p *process) stop() {
	if p == nil || p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended by itself
	_ = p.cmd.Wait()         // killed: the exit status says nothing
}

// tail keeps the last bytes that were written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// Write keeps p's end.
func (t *tail) Write(p []byte) (int, error) {
	const limit = 600
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if n := len(t.buf); n > limit {
		t.buf = append(t.buf[:0], t.buf[n-limit:]...)
	}
	return len(p), nil
}

// String returns what was kept, without blank space at its ends.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.buf))
}
