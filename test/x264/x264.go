// Package x264 is a stand-in for a board's H.264 encoder: ffmpeg with x264 as a
// process. Tests use it where real streams matter.
package x264

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// Board is a board with such an encoder, which is started anew for each key frame, as
// encoders without a control for that are.
type Board struct {
	t      testing.TB
	FFmpeg string

	mu     sync.Mutex
	opened int
	broken bool // it fails from now on
	inputs []*media.Picture
	keep   bool
}

// New finds ffmpeg. Without it the test is skipped, or fails in CI.
func New(t testing.TB) *Board {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		if os.Getenv("EDGECAM_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip("ffmpeg is not installed")
	}
	return &Board{t: t, FFmpeg: path}
}

// Open is engine.Devices.VideoEncoder.
func (x *Board) Open(_ context.Context, cfg hal.EncoderConfig) (hal.VideoEncoder, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.broken {
		return nil, &hal.Error{Op: "open", Path: "x264", Kind: hal.Busy, Err: errors.New("taken by another program")}
	}
	x.opened++
	return &encoder{x: x, cfg: cfg}, nil
}

// SetBroken makes the encoder fail, or work again.
func (x *Board) SetBroken(on bool) {
	x.mu.Lock()
	x.broken = on
	x.mu.Unlock()
}

// Keep makes it keep the pictures that it codes from now on.
func (x *Board) Keep() {
	x.mu.Lock()
	x.keep = true
	x.mu.Unlock()
}

// Kept returns them, and keeps no more.
func (x *Board) Kept() []*media.Picture {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.keep = false
	return x.inputs
}

// Opened returns how often an encoder was opened.
func (x *Board) Opened() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.opened
}

// encoder is one that is open.
type encoder struct {
	x   *Board
	cfg hal.EncoderConfig

	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	sets []byte // parameter sets
	unit []byte
}

func (e *encoder) start() error {
	c := e.cfg
	fps := 1e9 / float64(c.FrameInterval)
	kbit := c.BitrateBps / 1000
	e.cmd = exec.Command(e.x.FFmpeg, strings.Fields(fmt.Sprintf(
		"-v error -probesize 32 -analyzeduration 0 -f rawvideo -pix_fmt yuv420p -s %dx%d -r %g -i - "+
			"-c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency -b:v %dk -maxrate %dk -bufsize %dk -g %d "+
			"-fflags nobuffer -flush_packets 1 -f flv -flvflags no_duration_filesize -",
		c.Width, c.Height, fps, kbit, kbit, kbit/2+1, c.KeyInterval))...)
	e.cmd.Stderr = os.Stderr
	var err error
	if e.in, err = e.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	e.out = bufio.NewReader(out)
	if err := e.cmd.Start(); err != nil {
		return err
	}
	return nil
}

func (e *encoder) stop() {
	if e.cmd == nil {
		return
	}
	e.in.Close()
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
	e.cmd = nil
}

func (e *encoder) Encode(_ context.Context, p *media.Picture, forceKey bool) (media.EncodedVideo, error) {
	e.x.mu.Lock()
	broken := e.x.broken
	if e.x.keep && !broken {
		own := media.NewPicture(p.Width, p.Height)
		own.CopyFrom(p)
		e.x.inputs = append(e.x.inputs, own)
	}
	e.x.mu.Unlock()
	if broken {
		return media.EncodedVideo{}, &hal.Error{Op: "encode", Path: "x264", Kind: hal.Other, Err: errors.New("the firmware has crashed")}
	}
	if forceKey {
		e.stop()
	}
	first := e.cmd == nil
	if first {
		if err := e.start(); err != nil {
			return media.EncodedVideo{}, err
		}
	}
	if _, err := e.in.Write(I420(p)); err != nil {
		return media.EncodedVideo{}, err
	}
	if first {
		head := make([]byte, 9+4)
		if _, err := io.ReadFull(e.out, head); err != nil {
			return media.EncodedVideo{}, err
		}
	}
	for {
		key, unit, err := e.tag()
		if err != nil {
			return media.EncodedVideo{}, err
		}
		if unit != nil {
			return media.EncodedVideo{Data: unit, Key: key, Width: p.Width, Height: p.Height, CapturedAt: p.CapturedAt}, nil
		}
	}
}

// tag reads one tag of FLV; a unit is nil if it holds no picture.
func (e *encoder) tag() (key bool, unit []byte, err error) {
	var head [11]byte
	if _, err := io.ReadFull(e.out, head[:]); err != nil {
		return false, nil, err
	}
	body := make([]byte, int(head[1])<<16|int(head[2])<<8|int(head[3])+4)
	if _, err := io.ReadFull(e.out, body); err != nil {
		return false, nil, err
	}
	body = body[:len(body)-4] // the tag's length once more
	if head[0] != 9 || len(body) < 5 {
		return false, nil, nil
	}
	kind, data := body[1], body[5:]
	switch kind {
	case 0: // parameter sets
		// One list of sequence and one of picture parameter sets.
		e.sets = nil
		for i, lists := 5, 0; lists < 2; lists++ {
			n := int(data[i] & 0x1f)
			i++
			for range n {
				size := int(binary.BigEndian.Uint16(data[i:]))
				e.sets = append(append(e.sets, 0, 0, 0, 1), data[i+2:i+2+size]...)
				i += 2 + size
			}
		}
		return false, nil, nil
	case 1:
		key = body[0]>>4 == 1
		e.unit = e.unit[:0]
		if key {
			e.unit = append(e.unit, e.sets...)
		}
		for len(data) >= 4 {
			size := int(binary.BigEndian.Uint32(data))
			e.unit = append(append(e.unit, 0, 0, 0, 1), data[4:4+size]...)
			data = data[4+size:]
		}
		return key, e.unit, nil
	}
	return false, nil, nil
}

func (e *encoder) Drain(context.Context, func(media.EncodedVideo)) error { return nil }

func (e *encoder) SetBitrate(bps int) error {
	e.cfg.BitrateBps = bps
	return nil
}

func (e *encoder) Close() error {
	e.stop()
	return nil
}

// I420 returns a picture's samples.
func I420(p *media.Picture) []byte {
	out := make([]byte, 0, p.Width*p.Height*3/2)
	for y := range p.Height {
		out = append(out, p.Y[y*p.YStride:][:p.Width]...)
	}
	cw, ch := p.ChromaSize()
	for _, c := range [][]byte{p.U, p.V} {
		for y := range ch {
			out = append(out, c[y*p.UVStride:][:cw]...)
		}
	}
	return out
}

// Decode decodes a stream by ffmpeg into pictures in I420; complaints are returned,
// too.
func (x *Board) Decode(stream []byte, width, height int) (pictures [][]byte, complaints string) {
	x.t.Helper()
	cmd := exec.Command(x.FFmpeg, strings.Fields("-v warning -f h264 -i - -fps_mode passthrough -f rawvideo -pix_fmt yuv420p -s "+strconv.Itoa(width)+"x"+strconv.Itoa(height)+" -")...)
	cmd.Stdin = bytes.NewReader(stream)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		x.t.Fatalf("ffmpeg: %v: %s", err, said.Bytes())
	}
	for size := width * height * 3 / 2; len(out) >= size; out = out[size:] {
		pictures = append(pictures, out[:size])
	}
	return pictures, said.String()
}

// PSNR compares the luma of two pictures.
func PSNR(a, b []byte, samples int) float64 {
	sum := 0
	for i := range samples {
		d := int(a[i]) - int(b[i])
		sum += d * d
	}
	if sum == 0 {
		return 99
	}
	return 10 * math.Log10(255*255*float64(samples)/float64(sum))
}
