package vp8cmd

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/ivf"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/engine/video/y4m"
)

// DecodeOptions are the options of "edgecam vp8 decode".
type DecodeOptions struct {
	// Input and Output are file names; "-" is standard input and output. With
	// MD5, Output may be empty: then no pictures are written.
	Input, Output string
	Threads       int
	// MD5 asks for the MD5 of all pictures as vpxdec --i420 --md5 makes it.
	MD5 bool
}

// DecodeResult is the line of JSON that "edgecam vp8 decode" prints.
type DecodeResult struct {
	Frames int `json:"frames"`
	// Corrupt counts frames that were damaged and concealed.
	Corrupt  int     `json:"corrupt"`
	MD5      string  `json:"md5,omitempty"`
	UserCPUS float64 `json:"user_cpu_s"`
	WallS    float64 `json:"wall_s"`
}

// Decode decodes o.Input. Damaged frames are concealed and counted.
func Decode(o DecodeOptions, stdin io.Reader, stdout io.Writer) (res DecodeResult, err error) {
	in, closeIn, err := openInput(o.Input, stdin)
	if err != nil {
		return res, err
	}
	defer closeIn()
	start, user := time.Now(), userCPU()
	r, err := ivf.NewReader(in)
	if err != nil {
		return res, err
	}
	var sum hash.Hash
	if o.MD5 {
		sum = md5.New()
	}
	sink := pictureSink{header: r.Header(), sum: sum}
	if o.Output != "" {
		out, closeOut, err := openOutput(o.Output, stdout)
		if err != nil {
			return res, err
		}
		defer func() {
			if cerr := closeOut(); err == nil {
				err = cerr
			}
		}()
		sink.out = out
	}
	dec := vp8.NewDecoder(vp8.DecoderOptions{Threads: o.Threads})
	defer dec.Close()
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return res, err
		}
		pic, err := dec.Decode(f.Data)
		if errors.Is(err, vp8.ErrCorrupt) {
			res.Corrupt++
		} else if err != nil {
			return res, err
		}
		if pic == nil {
			continue
		}
		if err := sink.put(pic); err != nil {
			return res, err
		}
		res.Frames++
	}
	if sum != nil {
		res.MD5 = hex.EncodeToString(sum.Sum(nil))
	}
	res.WallS, res.UserCPUS = time.Since(start).Seconds(), userCPU()-user
	return res, nil
}

// pictureSink writes pictures as y4m and sums them up.
type pictureSink struct {
	header ivf.Header
	out    io.Writer
	w      *y4m.Writer
	sum    hash.Hash
}

func (s *pictureSink) put(p *media.Picture) error {
	if s.sum != nil {
		sumPicture(s.sum, p)
	}
	if s.out == nil {
		return nil
	}
	if s.w == nil {
		w, err := y4m.NewWriter(s.out, y4m.Header{
			Width: p.Width, Height: p.Height,
			RateNum: int(s.header.TimebaseDen), RateDen: int(s.header.TimebaseNum), Chroma: "420jpeg",
		})
		if err != nil {
			return err
		}
		s.w = w
	}
	return s.w.WritePicture(p)
}

func sumPicture(sum hash.Hash, p *media.Picture) {
	cw, ch := p.ChromaSize()
	for y := range p.Height {
		sum.Write(p.Y[y*p.YStride : y*p.YStride+p.Width])
	}
	for _, c := range [2][]byte{p.U, p.V} {
		for y := range ch {
			sum.Write(c[y*p.UVStride : y*p.UVStride+cw])
		}
	}
}
