package drm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/internal/rgb"
)

const (
	bitsPerPixel, depth = 32, 24
	// maxSide and maxMemory bound what a driver may claim.
	maxSide   = 16384
	maxMemory = 1 << 30
)

// xrgb is the layout that every driver has.
var xrgb = rgb.New(bitsPerPixel, rgb.Field{Offset: 16, Length: 8}, rgb.Field{Offset: 8, Length: 8}, rgb.Field{Offset: 0, Length: 8})

// page is a buffer that can be shown.
type page struct {
	handle, fb uint32
	stride     int
	memory     []byte
}

// screen is an open display.
type screen struct {
	card   card
	out    output
	width  int
	height int
	before modeCRTC // what the controller showed, to be given back

	mu      sync.Mutex
	pages   [2]page
	seen    int  // the page that is shown, or about to be
	waiting bool // for the refresh at which it is
	still   bool // pages cannot be changed: draw in place
	closed  bool
	// What goes to the kernel for every picture lies here, so that nothing is
	// allocated.
	flip   pageFlip
	dirty  fbDirty
	events [8 * eventBytes]byte
}

// show sets a connector's mode up, by name, or the first with a screen.
func (c *card) show(name string) (*screen, error) {
	outputs, err := c.outputs()
	if err != nil {
		return nil, err
	}
	for _, o := range outputs {
		if o.crtc == 0 || name != "" && o.name != name {
			continue
		}
		return c.showOn(o)
	}
	err = errors.New("no screen is connected")
	if name != "" {
		err = fmt.Errorf("no screen at connector %s", name)
	}
	return nil, &hal.Error{Op: "open", Path: c.path, Kind: hal.Gone, Err: err}
}

func (c *card) showOn(o output) (*screen, error) {
	s := &screen{card: *c, out: o, width: int(o.mode.hdisplay), height: int(o.mode.vdisplay)}
	if s.width == 0 || s.height == 0 || s.width > maxSide || s.height > maxSide {
		return nil, unsupported(c.path, "a screen of %dx%d", s.width, s.height)
	}
	if err := c.master(); err != nil {
		return nil, err
	}
	s.before = modeCRTC{crtc: o.crtc}
	if err := c.sys.ioctl(c.fd, ioctlGetCRTC, unsafe.Pointer(&s.before)); err != nil {
		return nil, deviceError("get mode", c.path, err)
	}
	for i := range s.pages {
		if err := s.pages[i].make(c, s.width, s.height); err != nil {
			s.free()
			return nil, err
		}
	}
	if err := s.set(s.pages[0].fb); err != nil {
		s.free()
		return nil, deviceError("set mode", c.path, err)
	}
	return s, nil
}

// set shows a buffer in the screen's mode, at once.
func (s *screen) set(fb uint32) error {
	connector := []uint32{s.out.connector}
	m := modeCRTC{countConnectors: 1, crtc: s.out.crtc, fb: fb, modeValid: 1, mode: s.out.mode}
	m.connectors = at(connector)
	return s.card.sys.ioctl(s.card.fd, ioctlSetCRTC, unsafe.Pointer(&m))
}

// make makes a black page.
func (p *page) make(c *card, width, height int) error {
	d := createDumb{width: uint32(width), height: uint32(height), bpp: bitsPerPixel}
	if err := c.sys.ioctl(c.fd, ioctlCreateDumb, unsafe.Pointer(&d)); err != nil {
		return deviceError("make buffer", c.path, err)
	}
	p.handle, p.stride = d.handle, int(d.pitch)
	if p.stride < width*bitsPerPixel/8 || d.size > maxMemory || d.size < uint64(p.stride)*uint64(height) {
		return unsupported(c.path, "a buffer of %d bytes in rows of %d for %dx%d", d.size, d.pitch, width, height)
	}
	f := fbCmd{width: d.width, height: d.height, pitch: d.pitch, bpp: bitsPerPixel, depth: depth, handle: d.handle}
	if err := c.sys.ioctl(c.fd, ioctlAddFB, unsafe.Pointer(&f)); err != nil {
		return deviceError("add buffer", c.path, err)
	}
	p.fb = f.fb
	m := mapDumb{handle: d.handle}
	if err := c.sys.ioctl(c.fd, ioctlMapDumb, unsafe.Pointer(&m)); err != nil {
		return deviceError("map buffer", c.path, err)
	}
	b, err := c.sys.mmap(c.fd, int64(m.offset), int(d.size))
	if err != nil {
		return deviceError("map buffer", c.path, err)
	}
	p.memory = b
	clear(b)
	return nil
}

// free lets go of the pages; what is shown goes dark.
func (s *screen) free() {
	c := &s.card
	for i := range s.pages {
		p := &s.pages[i]
		if p.memory != nil {
			_ = c.sys.munmap(p.memory)
		}
		if p.fb != 0 {
			_ = c.sys.ioctl(c.fd, ioctlRmFB, unsafe.Pointer(&p.fb))
		}
		if p.handle != 0 {
			_ = c.sys.ioctl(c.fd, ioctlDestroyDumb, unsafe.Pointer(&destroyDumb{p.handle}))
		}
		*p = page{}
	}
}

// Size is that of the screen's mode.
func (s *screen) Size() (width, height int) { return s.width, s.height }

// Show draws a picture of exactly the screen's size out of sight and shows it from
// the next refresh on. It waits for the refresh that the picture before waits for.
func (s *screen) Show(p *media.Picture) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return hal.ErrClosed
	}
	if p.Width != s.width || p.Height != s.height {
		return &hal.Error{Op: "show", Path: s.card.path, Kind: hal.Unsupported, Err: fmt.Errorf("a picture of %dx%d on a screen of %dx%d", p.Width, p.Height, s.width, s.height)}
	}
	if err := s.wait(); err != nil {
		return err
	}
	to := 1 - s.seen
	if s.still {
		to = s.seen
	}
	b := &s.pages[to]
	for y := range s.height {
		xrgb.Row(b.memory[y*b.stride:], p.Y[y*p.YStride:][:s.width], p.U[y/2*p.UVStride:], p.V[y/2*p.UVStride:])
	}
	if s.still {
		// Virtual and USB screens copy what has changed; others know no such request.
		s.dirty = fbDirty{fb: b.fb}
		_ = s.card.sys.ioctl(s.card.fd, ioctlDirtyFB, unsafe.Pointer(&s.dirty))
		return nil
	}
	s.flip = pageFlip{crtc: s.out.crtc, fb: b.fb, flags: flipEvent}
	err := s.card.sys.ioctl(s.card.fd, ioctlPageFlip, unsafe.Pointer(&s.flip))
	switch {
	case err == nil:
		s.waiting = true
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EBUSY):
		// Another program has taken the screens, or the device is gone.
		return deviceError("show", s.card.path, err)
	default:
		// The driver changes no pages. Show this one; from now on draw in place.
		s.still = true
		if err := s.set(b.fb); err != nil {
			return deviceError("show", s.card.path, err)
		}
	}
	s.seen = to
	return nil
}

// wait waits until the page that is about to be shown is.
func (s *screen) wait() error {
	for s.waiting {
		n, err := s.card.sys.read(s.card.fd, s.events[:], flipTimeout)
		if err != nil {
			// The screen may have been unplugged: the next picture tells.
			s.waiting = false
			return deviceError("wait for refresh", s.card.path, err)
		}
		for e := s.events[:n]; len(e) >= 8; {
			size := int(binary.NativeEndian.Uint32(e[4:]))
			if binary.NativeEndian.Uint32(e) == eventFlip {
				s.waiting = false
			}
			if size < 8 || size > len(e) {
				break
			}
			e = e[size:]
		}
	}
	return nil
}

// Close gives the screen back as it was.
func (s *screen) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	_ = s.wait() // a buffer that is about to be shown stays in use
	c := &s.card
	if s.before.modeValid != 0 && s.before.fb != 0 {
		connector := []uint32{s.out.connector}
		m := s.before
		m.connectors, m.countConnectors = at(connector), 1
		_ = c.sys.ioctl(c.fd, ioctlSetCRTC, unsafe.Pointer(&m)) // else it goes dark with its buffers
	}
	s.free()
	_ = c.sys.ioctl(c.fd, ioctlDropMaster, nil) // closing does, too
	if err := c.sys.close(c.fd); err != nil {
		return deviceError("close", c.path, err)
	}
	return nil
}
