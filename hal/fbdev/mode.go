package fbdev

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/internal/rgb"
)

// Requests and sizes of linux/fb.h on 64-bit systems.
const (
	fbioGetVar = 0x4600
	fbioGetFix = 0x4602
	fbioPan    = 0x4606
	varBytes   = 160
	fixBytes   = 80
	// maxSide bounds what a driver may claim, maxMemory what is mapped.
	maxSide   = 16384
	maxMemory = 1 << 30
	// visualTrueColor and visualDirectColor have colours in the pixels.
	visualTrueColor, visualDirectColor = 2, 4
)

// mode is a framebuffer's layout.
type mode struct {
	name             string
	width, height    int
	xOffset, yOffset int
	bits             int // per pixel
	stride           int // bytes
	size             int // bytes of the memory
	pages            int // 1 or 2
	red, green, blue rgb.Field
	raw              [varBytes]byte
	pixels           *rgb.Layout
}

// mode asks the kernel for the layout (struct fb_var_screeninfo and struct
// fb_fix_screeninfo).
func (d *Driver) mode(fd int, path string) (mode, error) {
	var m mode
	if err := d.sys.ioctl(fd, fbioGetVar, m.raw[:]); err != nil {
		return m, deviceError("get mode", path, err)
	}
	var fix [fixBytes]byte
	if err := d.sys.ioctl(fd, fbioGetFix, fix[:]); err != nil {
		return m, deviceError("get mode", path, err)
	}
	v := func(i int) uint32 { return binary.NativeEndian.Uint32(m.raw[4*i:]) }
	id, _, _ := bytes.Cut(fix[:16], []byte{0})
	m.name = string(id)
	size, kind := binary.NativeEndian.Uint32(fix[24:]), binary.NativeEndian.Uint32(fix[28:])
	visual, panStep := binary.NativeEndian.Uint32(fix[36:]), binary.NativeEndian.Uint16(fix[42:])
	stride := binary.NativeEndian.Uint32(fix[48:])
	m.red, m.green, m.blue = rgb.Field{Offset: v(8), Length: v(9)}, rgb.Field{Offset: v(11), Length: v(12)}, rgb.Field{Offset: v(14), Length: v(15)}
	bad := func(format string, a ...any) (mode, error) {
		return m, &hal.Error{Op: "get mode", Path: path, Kind: hal.Unsupported, Err: fmt.Errorf(format, a...)}
	}
	if v(0) == 0 || v(1) == 0 || v(0) > maxSide || v(1) > maxSide {
		return bad("a screen of %dx%d", v(0), v(1))
	}
	m.width, m.height, m.xOffset, m.yOffset, m.bits = int(v(0)), int(v(1)), int(v(4)), int(v(5)), int(v(6))
	m.stride, m.size = int(stride), int(size)
	switch {
	case kind != 0 || visual != visualTrueColor && visual != visualDirectColor:
		return bad("planes or a palette instead of colours in the pixels (type %d, visual %d)", kind, visual)
	case m.bits != 16 && m.bits != 24 && m.bits != 32:
		return bad("%d bits per pixel; 16, 24 and 32 can be used", m.bits)
	case m.stride < m.width*m.bits/8 || m.size > maxMemory:
		return bad("rows of %d bytes, memory of %d", m.stride, m.size)
	}
	for _, f := range []rgb.Field{m.red, m.green, m.blue} {
		if f.Length == 0 || f.Length > 8 || f.Offset > 31 || f.Offset+f.Length > uint32(m.bits) {
			return bad("a colour of %d bits at bit %d", f.Length, f.Offset)
		}
	}
	m.pages = 1
	if m.yOffset == 0 && m.xOffset == 0 && panStep > 0 && v(3) >= 2*v(1) && m.size >= 2*m.height*m.stride {
		m.pages = 2
	}
	if m.xOffset > maxSide || m.yOffset > maxSide || (m.yOffset+m.height)*m.stride+m.xOffset*m.bits/8 > m.size {
		return bad("memory of %d bytes is too little", m.size)
	}
	m.pixels = rgb.New(m.bits, m.red, m.green, m.blue)
	return m, nil
}

var errPan = errors.New("fbdev: pan")

// pan makes the row the first that is seen.
func (m *mode) pan(sys kernel, fd, row int) error {
	binary.NativeEndian.PutUint32(m.raw[4*5:], uint32(row))
	if err := sys.ioctl(fd, fbioPan, m.raw[:]); err != nil {
		return fmt.Errorf("%w: %w", errPan, err)
	}
	return nil
}
