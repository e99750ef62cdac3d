package node

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

// x264 stands in for a board's encoder: ffmpeg with x264 as a process, started anew
// for each key frame and rate, as encoders without such controls are.
type x264 struct {
	t    *testing.T
	path string

	mu     sync.Mutex
	opened int
	rates  []int
	forced int
	broken bool // it fails from now on
	inputs []*media.Picture
	keep   bool
}

func newX264(t *testing.T) *x264 {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		if os.Getenv("EDGECAM_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip("ffmpeg is not installed")
	}
	return &x264{t: t, path: path}
}

func (x *x264) open(_ context.Context, cfg hal.EncoderConfig) (hal.VideoEncoder, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.broken {
		return nil, &hal.Error{Op: "open", Path: "x264", Kind: hal.Busy, Err: errors.New("taken by another program")}
	}
	x.opened++
	x.rates = append(x.rates, cfg.BitrateBps)
	return &x264Encoder{x: x, cfg: cfg}, nil
}

// setBroken makes the encoder fail, or work again.
func (x *x264) setBroken(on bool) {
	x.mu.Lock()
	x.broken = on
	x.mu.Unlock()
}

// x264Encoder is one that is open.
type x264Encoder struct {
	x   *x264
	cfg hal.EncoderConfig

	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	sets []byte // parameter sets
	unit []byte
}

func (e *x264Encoder) start() error {
	c := e.cfg
	fps := 1e9 / float64(c.FrameInterval)
	kbit := c.BitrateBps / 1000
	e.cmd = exec.Command(e.x.path, strings.Fields(fmt.Sprintf(
		"-v error -probesize 32 -analyzeduration 0 -f rawvideo -pix_fmt yuv420p -s %dx%d -r %g -i - "+
			"-c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency -b:v %dk -maxrate %dk -bufsize %dk -g %d "+
			"-fflags nobuffer -flush_packets 1 -f flv -flvflags no_duration_filesize -",
		c.Width, c.Height, fps, kbit, kbit, kbit/2+1, c.KeyInterval))...)
	e.cmd.Stderr = testLog{e.x.t}
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

func (e *x264Encoder) stop() {
	if e.cmd == nil {
		return
	}
	e.in.Close()
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
	e.cmd = nil
}

func (e *x264Encoder) Encode(_ context.Context, p *media.Picture, forceKey bool) (media.EncodedVideo, error) {
	e.x.mu.Lock()
	broken := e.x.broken
	if forceKey {
		e.x.forced++
	}
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
	if _, err := e.in.Write(i420(p)); err != nil {
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
func (e *x264Encoder) tag() (key bool, unit []byte, err error) {
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

func (e *x264Encoder) Drain(context.Context, func(media.EncodedVideo)) error { return nil }

func (e *x264Encoder) SetBitrate(bps int) error {
	e.cfg.BitrateBps = bps
	e.x.mu.Lock()
	e.x.rates = append(e.x.rates, bps)
	e.x.mu.Unlock()
	return nil
}

func (e *x264Encoder) Close() error {
	e.stop()
	return nil
}

func i420(p *media.Picture) []byte {
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

// decodeH264 decodes a stream by ffmpeg; complaints are returned, too.
func decodeH264(t *testing.T, path string, stream []byte, width, height int) (pictures [][]byte, complaints string) {
	t.Helper()
	cmd := exec.Command(path, strings.Fields("-v warning -f h264 -i - -fps_mode passthrough -f rawvideo -pix_fmt yuv420p -s "+strconv.Itoa(width)+"x"+strconv.Itoa(height)+" -")...)
	cmd.Stdin = bytes.NewReader(stream)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, said.Bytes())
	}
	for size := width * height * 3 / 2; len(out) >= size; out = out[size:] {
		pictures = append(pictures, out[:size])
	}
	return pictures, said.String()
}

// psnr compares the luma of two pictures.
func psnr(a, b []byte, samples int) float64 {
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
