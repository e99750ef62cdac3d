package pixel

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// near fails unless all samples of the picture are within tolerance of the
// expected levels.
func near(t *testing.T, p *media.Picture, y, u, v, tolerance int) {
	t.Helper()
	off := func(got byte, want int) bool { return int(got)-want > tolerance || want-int(got) > tolerance }
	for j := range p.Height {
		for i := range p.Width {
			if got := p.Y[j*p.YStride+i]; off(got, y) {
				t.Fatalf("Y(%d,%d) = %d, want %d", i, j, got, y)
			}
		}
	}
	cw, ch := p.ChromaSize()
	for j := range ch {
		for i := range cw {
			if gu, gv := p.U[j*p.UVStride+i], p.V[j*p.UVStride+i]; off(gu, u) || off(gv, v) {
				t.Fatalf("UV(%d,%d) = %d,%d, want %d,%d", i, j, gu, gv, u, v)
			}
		}
	}
}

// Colours of BT.601 limited range, from the standard's matrix.
var colours = []struct {
	c       color.RGBA
	y, u, v int
}{
	{color.RGBA{255, 255, 255, 255}, 235, 128, 128},
	{color.RGBA{0, 0, 0, 255}, 16, 128, 128},
	{color.RGBA{255, 0, 0, 255}, 81, 90, 240},
	{color.RGBA{0, 255, 0, 255}, 145, 54, 34},
	{color.RGBA{0, 0, 255, 255}, 41, 240, 110},
	{color.RGBA{128, 128, 128, 255}, 126, 128, 128},
}

func TestJPEGColours(t *testing.T) {
	ratios := []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	}
	for _, c := range colours {
		yy, cb, cr := color.RGBToYCbCr(c.c.R, c.c.G, c.c.B)
		for _, r := range ratios {
			m := image.NewYCbCr(image.Rect(0, 0, 37, 21), r)
			for i := range m.Y {
				m.Y[i] = yy
			}
			for i := range m.Cb {
				m.Cb[i], m.Cr[i] = cb, cr
			}
			p := media.NewPicture(37, 21)
			fromYCbCr(p, m)
			near(t, p, c.y, c.u, c.v, 1)
		}
		rgba := image.NewRGBA(image.Rect(0, 0, 37, 21))
		for i := range 37 * 21 {
			rgba.SetRGBA(i%37, i/37, c.c)
		}
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, rgba, &jpeg.Options{Quality: 95}); err != nil {
			t.Fatal(err)
		}
		p := media.NewPicture(37, 21)
		f := &media.Frame{Format: media.FormatMJPEG, Width: 37, Height: 21, Data: buf.Bytes(), Sequence: 3}
		if err := Convert(p, f); err != nil {
			t.Fatal(err)
		}
		near(t, p, c.y, c.u, c.v, 3)
		if p.Sequence != 3 {
			t.Error("sequence was not carried over")
		}
		fromRGBA(p, rgba)
		near(t, p, c.y, c.u, c.v, 1)
	}
}

func TestJPEGGrey(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 20, 10))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, m, nil); err != nil {
		t.Fatal(err)
	}
	p := media.NewPicture(20, 10)
	if err := DecodeJPEG(p, buf.Bytes()); err != nil {
		t.Fatal(err)
	}
	near(t, p, 235, 128, 128, 1)
}

func TestEncodeJPEGRoundTrip(t *testing.T) {
	src, dst := media.NewPicture(75, 43), media.NewPicture(75, 43)
	paint(src, func(x, y int) byte { return byte(16 + (2*x+y)%219) }, func(x, y int) byte { return byte(60 + x + y) })
	var buf bytes.Buffer
	if err := EncodeJPEG(&buf, src, 95); err != nil {
		t.Fatal(err)
	}
	if err := DecodeJPEG(dst, buf.Bytes()); err != nil {
		t.Fatal(err)
	}
	var sum int
	for y := range src.Height {
		for x := range src.Width {
			d := int(src.Y[y*src.YStride+x]) - int(dst.Y[y*dst.YStride+x])
			sum += d * d
		}
	}
	if mse := float64(sum) / (75 * 43); mse > 12 {
		t.Errorf("mean squared error %.1f after a round trip at quality 95", mse)
	}
	// White must come out as full-range white.
	paint(src, func(int, int) byte { return 235 }, func(int, int) byte { return 128 })
	buf.Reset()
	if err := EncodeJPEG(&buf, src, 95); err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if got := img.(*image.YCbCr).Y[0]; got < 254 {
		t.Errorf("white is %d in the JPEG, want 255", got)
	}
	for _, q := range []int{0, 101} {
		if err := EncodeJPEG(io.Discard, src, q); err == nil {
			t.Errorf("quality %d was accepted", q)
		}
	}
}

// Without its DHT segment a picture must decode to the same samples, as the
// encoder of the standard library uses the tables of Annex K.
func TestJPEGWithoutHuffmanTables(t *testing.T) {
	src := media.NewPicture(64, 48)
	paint(src, sampleY, sampleU)
	var buf bytes.Buffer
	if err := EncodeJPEG(&buf, src, 90); err != nil {
		t.Fatal(err)
	}
	data := buf.Bytes()
	want, got := media.NewPicture(64, 48), media.NewPicture(64, 48)
	if err := DecodeJPEG(want, data); err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(data, []byte{0xff, 0xc4})
	n := 2 + int(data[i+2])<<8 + int(data[i+3])
	if !bytes.Equal(data[i:i+n], annexKTables()) {
		t.Error("the tables differ from those of image/jpeg")
	}
	stripped := append(append([]byte{}, data[:i]...), data[i+n:]...)
	if hasHuffmanTables(stripped) || !hasHuffmanTables(data) {
		t.Fatal("hasHuffmanTables is wrong")
	}
	if err := DecodeJPEG(got, stripped); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Y, want.Y) || !bytes.Equal(got.U, want.U) || !bytes.Equal(got.V, want.V) {
		t.Error("samples differ")
	}
}

func TestJPEGErrors(t *testing.T) {
	src := media.NewPicture(64, 48)
	paint(src, sampleY, sampleU)
	var buf bytes.Buffer
	if err := EncodeJPEG(&buf, src, 90); err != nil {
		t.Fatal(err)
	}
	data := buf.Bytes()
	if err := DecodeJPEG(media.NewPicture(32, 48), data); !errors.Is(err, ErrSize) {
		t.Errorf("other size: %v, want ErrSize", err)
	}
	for _, n := range []int{0, 1, 2, 100, len(data) / 2} {
		if err := DecodeJPEG(src, data[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: %v, want io.ErrUnexpectedEOF", n, err)
		}
	}
	if err := DecodeJPEG(src, []byte("this is no picture at all")); err == nil {
		t.Error("text was decoded")
	}
}

func TestRangeTables(t *testing.T) {
	for i := 16; i <= 235; i++ {
		if got := lumaToLimited[lumaToFull[i]]; int(got) != i {
			t.Errorf("luma %d comes back as %d", i, got)
		}
	}
	for i := 16; i <= 240; i++ {
		if got := chromaToLimited[chromaToFull[i]]; int(got) != i {
			t.Errorf("chroma %d comes back as %d", i, got)
		}
	}
	if lumaToFull[16] != 0 || lumaToFull[235] != 255 || lumaToFull[0] != 0 || lumaToFull[255] != 255 || chromaToFull[128] != 128 {
		t.Error("ends of the range are wrong")
	}
}
