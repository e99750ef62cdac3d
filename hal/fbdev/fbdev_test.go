package fbdev

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// fake is a framebuffer device behind the ioctl seam.
type fake struct {
	v       [varBytes]byte
	fix     [fixBytes]byte
	memory  []byte
	openErr error
	panErr  error
	opened  int
	mapped  int
	panned  []uint32
}

func (f *fake) open(path string) (int, error) {
	if path != "/dev/fb0" {
		return -1, unix.ENOENT
	}
	if f.openErr != nil {
		return -1, f.openErr
	}
	f.opened++
	return 7, nil
}

func (f *fake) ioctl(fd int, request uintptr, data []byte) error {
	switch {
	case fd != 7:
		return unix.EBADF
	case request == fbioGetVar && len(data) == varBytes:
		copy(data, f.v[:])
	case request == fbioGetFix && len(data) == fixBytes:
		copy(data, f.fix[:])
	case request == fbioPan && len(data) == varBytes:
		if f.panErr != nil {
			return f.panErr
		}
		f.panned = append(f.panned, binary.NativeEndian.Uint32(data[20:]))
	default:
		return unix.ENOTTY
	}
	return nil
}

func (f *fake) mmap(_, length int) ([]byte, error) {
	if length != len(f.memory) {
		return nil, unix.EINVAL
	}
	f.mapped++
	return f.memory, nil
}

func (f *fake) munmap([]byte) error { f.mapped--; return nil }
func (f *fake) close(int) error     { f.opened--; return nil }

// newFake makes a screen; fields are offset and length of red, green, blue.
func newFake(width, height, virtual, bits, stride int, fields [6]uint32) (*fake, *Driver) {
	f := &fake{memory: make([]byte, virtual*stride)}
	put := func(i int, v int) { binary.NativeEndian.PutUint32(f.v[4*i:], uint32(v)) }
	put(0, width)
	put(1, height)
	put(2, width)
	put(3, virtual)
	put(6, bits)
	for i, at := range []int{8, 9, 11, 12, 14, 15} {
		put(at, int(fields[i]))
	}
	copy(f.fix[:], "test screen")
	binary.NativeEndian.PutUint32(f.fix[24:], uint32(len(f.memory)))
	binary.NativeEndian.PutUint32(f.fix[36:], visualTrueColor)
	binary.NativeEndian.PutUint16(f.fix[42:], 1)
	binary.NativeEndian.PutUint32(f.fix[48:], uint32(stride))
	return f, &Driver{sys: f, list: func() []string { return []string{"/dev/fb0"} }}
}

var xrgb = [6]uint32{16, 8, 8, 8, 0, 8}

func flat(w, h int, y, u, v byte) *media.Picture {
	p := media.NewPicture(w, h)
	for i := range p.Y {
		p.Y[i] = y
	}
	for i := range p.U {
		p.U[i], p.V[i] = u, v
	}
	return p
}

// TestColours: the corner colours of BT.601 come out as RGB, in every layout.
func TestColours(t *testing.T) {
	for _, c := range []struct {
		name    string
		y, u, v byte
		r, g, b int
	}{
		{"black", 16, 128, 128, 0, 0, 0},
		{"white", 235, 128, 128, 255, 255, 255},
		{"grey", 126, 128, 128, 128, 128, 128},
		{"red", 81, 90, 240, 255, 0, 0},
		{"green", 145, 54, 34, 0, 255, 0},
		{"blue", 41, 240, 110, 0, 0, 255},
		{"below black", 0, 0, 0, 0, 135, 0},
		{"above white", 255, 255, 255, 255, 125, 255},
	} {
		for _, layout := range []struct {
			bits   int
			fields [6]uint32
		}{{32, xrgb}, {32, [6]uint32{0, 8, 8, 8, 16, 8}}, {24, xrgb}, {16, [6]uint32{11, 5, 5, 6, 0, 5}}} {
			f, d := newFake(6, 4, 4, layout.bits, 6*layout.bits/8+8, layout.fields)
			s, err := d.OpenDisplay(context.Background(), "")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Show(flat(6, 4, c.y, c.u, c.v)); err != nil {
				t.Fatal(err)
			}
			at := 3*(6*layout.bits/8+8) + 5*layout.bits/8 // the last pixel
			var pixel uint32
			for i := range layout.bits / 8 {
				pixel |= uint32(f.memory[at+i]) << (8 * i)
			}
			for i, want := range []int{c.r, c.g, c.b} {
				offset, length := layout.fields[2*i], layout.fields[2*i+1]
				got := int(pixel>>offset&(1<<length-1)) << (8 - length)
				if diff := got - want; diff > 2 || diff < -2-(1<<(8-length)-1) {
					t.Errorf("%s at %d bits: colour %d is %d, want %d", c.name, layout.bits, i, got, want)
				}
			}
			for _, b := range f.memory[6*layout.bits/8 : 6*layout.bits/8+8] {
				if b != 0 {
					t.Fatal("the gap between rows was written")
				}
			}
			if err := s.Close(); err != nil || f.opened != 0 || f.mapped != 0 {
				t.Errorf("Close: %v, %d open, %d mapped", err, f.opened, f.mapped)
			}
		}
	}
}

func TestTwoPages(t *testing.T) {
	f, d := newFake(4, 2, 4, 32, 16, xrgb)
	s, err := d.OpenDisplay(context.Background(), "/dev/fb0")
	if err != nil {
		t.Fatal(err)
	}
	white, black := flat(4, 2, 235, 128, 128), flat(4, 2, 16, 128, 128)
	for _, p := range []*media.Picture{white, black, white} {
		if err := s.Show(p); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.panned) != 3 || f.panned[0] != 2 || f.panned[1] != 0 || f.panned[2] != 2 {
		t.Errorf("panned to rows %v", f.panned)
	}
	if f.memory[0] != 0 || f.memory[2*16] != 255 {
		t.Error("the pages hold the wrong pictures")
	}
	// A driver that cannot pan after all is drawn on in place.
	f.panErr = unix.EINVAL
	for range 2 {
		if err := s.Show(black); err != nil {
			t.Fatal(err)
		}
	}
	if f.memory[2*16] != 0 {
		t.Error("the page that is seen was not drawn on")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Show(black); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("Show after Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestBadDevices(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f *fake)
		kind   hal.Kind
	}{
		"not permitted":  {func(f *fake) { f.openErr = unix.EACCES }, hal.Permission},
		"a palette":      {func(f *fake) { binary.NativeEndian.PutUint32(f.fix[36:], 3) }, hal.Unsupported},
		"8 bits":         {func(f *fake) { binary.NativeEndian.PutUint32(f.v[24:], 8) }, hal.Unsupported},
		"no size":        {func(f *fake) { binary.NativeEndian.PutUint32(f.v[0:], 0) }, hal.Unsupported},
		"huge":           {func(f *fake) { binary.NativeEndian.PutUint32(f.v[4:], 1<<31) }, hal.Unsupported},
		"short rows":     {func(f *fake) { binary.NativeEndian.PutUint32(f.fix[48:], 3) }, hal.Unsupported},
		"little memory":  {func(f *fake) { binary.NativeEndian.PutUint32(f.fix[24:], 20) }, hal.Unsupported},
		"far offset":     {func(f *fake) { binary.NativeEndian.PutUint32(f.v[20:], 1<<31) }, hal.Unsupported},
		"colour outside": {func(f *fake) { binary.NativeEndian.PutUint32(f.v[32:], 30) }, hal.Unsupported},
	} {
		f, d := newFake(4, 2, 2, 32, 16, xrgb)
		c.change(f)
		_, err := d.OpenDisplay(context.Background(), "/dev/fb0")
		if err == nil || hal.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
		if f.opened != 0 {
			t.Errorf("%s: left open", name)
		}
		all, _ := d.Displays(context.Background())
		if len(all) != 1 || all[0].Problem == "" {
			t.Errorf("%s: listed as %+v", name, all)
		}
	}
	_, d := newFake(4, 2, 2, 32, 16, xrgb)
	if _, err := d.OpenDisplay(context.Background(), "/dev/fb9"); hal.KindOf(err) != hal.Gone {
		t.Errorf("an absent device: %v", err)
	}
	s, err := d.OpenDisplay(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Show(flat(2, 2, 0, 0, 0)); hal.KindOf(err) != hal.Unsupported {
		t.Errorf("a picture of the wrong size: %v", err)
	}
}

func TestShowDoesNotAllocate(t *testing.T) {
	_, d := newFake(64, 48, 96, 32, 256, xrgb)
	s, err := d.OpenDisplay(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	p := flat(64, 48, 100, 100, 100)
	f := s.(*screen).sys.(*fake)
	if n := testing.AllocsPerRun(20, func() {
		f.panned = f.panned[:0]
		if err := s.Show(p); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations per picture", n)
	}
}
