package vp8_test

import (
	"errors"
	"fmt"
	"io"

	"github.com/edgecam/edgecam/engine/video/ivf"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/engine/video/y4m"
)

// Decode an IVF file into YUV4MPEG2, going on where a frame is damaged.
func ExampleDecoder() {
	convert := func(dst io.Writer, src io.Reader) error {
		in, err := ivf.NewReader(src)
		if err != nil {
			return err
		}
		h := in.Header()
		out, err := y4m.NewWriter(dst, y4m.Header{Width: h.Width, Height: h.Height})
		if err != nil {
			return err
		}
		d := vp8.NewDecoder(vp8.DecoderOptions{Threads: 2})
		defer d.Close()
		for {
			frame, err := in.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			picture, err := d.Decode(frame.Data)
			if err != nil && !errors.Is(err, vp8.ErrCorrupt) {
				return err
			}
			if picture == nil {
				continue // not to be shown
			}
			if err := out.WritePicture(picture); err != nil {
				return err
			}
		}
	}
	r, w := io.Pipe()
	w.Close()
	fmt.Println(convert(io.Discard, r))
	// Output: ivf: reading the stream header: unexpected EOF
}
