package drm

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// TestSizes: the kernel tells requests apart by the sizes of their structures.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"DRM_IOCTL_GET_CAP", ioctlGetCap, 0xc010640c},
		{"DRM_IOCTL_SET_MASTER", ioctlSetMaster, 0x641e},
		{"DRM_IOCTL_DROP_MASTER", ioctlDropMaster, 0x641f},
		{"DRM_IOCTL_MODE_GETRESOURCES", ioctlResources, 0xc04064a0},
		{"DRM_IOCTL_MODE_GETCRTC", ioctlGetCRTC, 0xc06864a1},
		{"DRM_IOCTL_MODE_SETCRTC", ioctlSetCRTC, 0xc06864a2},
		{"DRM_IOCTL_MODE_GETENCODER", ioctlGetEncoder, 0xc01464a6},
		{"DRM_IOCTL_MODE_GETCONNECTOR", ioctlGetConnector, 0xc05064a7},
		{"DRM_IOCTL_MODE_ADDFB", ioctlAddFB, 0xc01c64ae},
		{"DRM_IOCTL_MODE_RMFB", ioctlRmFB, 0xc00464af},
		{"DRM_IOCTL_MODE_PAGE_FLIP", ioctlPageFlip, 0xc01864b0},
		{"DRM_IOCTL_MODE_DIRTYFB", ioctlDirtyFB, 0xc01864b1},
		{"DRM_IOCTL_MODE_CREATE_DUMB", ioctlCreateDumb, 0xc02064b2},
		{"DRM_IOCTL_MODE_MAP_DUMB", ioctlMapDumb, 0xc01064b3},
		{"DRM_IOCTL_MODE_DESTROY_DUMB", ioctlDestroyDumb, 0xc00464b4},
	} {
		if c.got != c.want {
			t.Errorf("%s is %#x, want %#x", c.name, c.got, c.want)
		}
	}
}

// standIn is a device behind the ioctl seam: two controllers, a connector without a
// screen and two with, of which the first is driven already.
type standIn struct {
	t           *testing.T
	noDumb      bool
	noMaster    error
	flipErr     error
	noEvent     bool
	renders     bool // has no connectors
	width       uint16
	height      uint16
	open_, maps int
	dumb        map[uint32][]byte // by handle
	fbs         map[uint32]uint32 // handle by buffer
	next        uint32
	shown       map[uint32]uint32 // buffer by controller
	events      int
	flips       int
	dirty       int
}

func newStandIn(t *testing.T) (*standIn, *Driver) {
	s := &standIn{t: t, width: 8, height: 6, dumb: map[uint32][]byte{}, fbs: map[uint32]uint32{}, next: 100, shown: map[uint32]uint32{41: 7}}
	return s, &Driver{sys: s, list: func() []string { return []string{"/dev/dri/card0"} }}
}

func (s *standIn) open(path string) (int, error) {
	if path != "/dev/dri/card0" {
		return -1, unix.ENOENT
	}
	s.open_++
	return 5, nil
}

func (s *standIn) close(int) error { s.open_--; return nil }

func (s *standIn) munmap([]byte) error { s.maps--; return nil }

func (s *standIn) mmap(_ int, offset int64, length int) ([]byte, error) {
	b := s.dumb[uint32(offset>>12)]
	if len(b) != length {
		return nil, unix.EINVAL
	}
	s.maps++
	return b, nil
}

func (s *standIn) read(_ int, b []byte, _ time.Duration) (int, error) {
	if s.events == 0 {
		return 0, unix.ETIMEDOUT
	}
	s.events--
	binary.NativeEndian.PutUint32(b, eventFlip)
	binary.NativeEndian.PutUint32(b[4:], eventBytes)
	return eventBytes, nil
}

// fill gives as many as the caller has room for, and says how many there are.
func fill[T any](at unsafe.Pointer, count *uint32, list ...T) {
	if at != nil {
		copy(unsafe.Slice((*T)(at), *count), list)
	}
	*count = uint32(len(list))
}

func (s *standIn) ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	if fd != 5 {
		return unix.EBADF
	}
	switch request {
	case ioctlGetCap:
		if c := (*getCap)(arg); c.capability == capDumbBuffer && !s.noDumb {
			c.value = 1
		}
	case ioctlSetMaster:
		return s.noMaster
	case ioctlDropMaster:
	case ioctlResources:
		r := (*cardRes)(arg)
		if s.renders {
			return unix.EOPNOTSUPP
		}
		fill(r.crtcs, &r.countCRTCs, uint32(41), 42)
		fill(r.connectors, &r.countConnectors, uint32(61), 62, 63)
	case ioctlGetConnector:
		c := (*getConnector)(arg)
		c.kind, c.kindID = 11, c.connector-60
		if c.connector == 61 { // no screen
			c.connection = 2
			return nil
		}
		c.connection = connected
		if c.connector == 62 {
			c.encoder = 52
		}
		preferred := modeInfo{hdisplay: s.width, vdisplay: s.height, kind: modePreferred}
		fill(c.modes, &c.countModes, modeInfo{hdisplay: 640, vdisplay: 480}, preferred)
		fill(c.encoders, &c.countEncoders, c.connector-10)
	case ioctlGetEncoder:
		e := (*getEncoder)(arg)
		e.possibleCRTCs = 3
		if e.encoder == 52 {
			e.crtc = 41
		}
	case ioctlGetCRTC:
		c := (*modeCRTC)(arg)
		if c.fb = s.shown[c.crtc]; c.fb != 0 {
			c.modeValid, c.mode = 1, modeInfo{hdisplay: 1024, vdisplay: 768}
		}
	case ioctlSetCRTC:
		c := (*modeCRTC)(arg)
		if c.countConnectors != 1 || c.connectors == nil || *(*uint32)(c.connectors) < 62 || c.modeValid != 1 {
			s.t.Errorf("mode %+v", *c)
			return unix.EINVAL
		}
		s.shown[c.crtc] = c.fb
	case ioctlCreateDumb:
		d := (*createDumb)(arg)
		d.pitch = d.width*4 + 16
		d.size = uint64(d.pitch * d.height)
		s.next++
		d.handle = s.next
		s.dumb[d.handle] = make([]byte, d.size)
		s.dumb[d.handle][0] = 99 // memory is not always clean
	case ioctlAddFB:
		f := (*fbCmd)(arg)
		if f.bpp != 32 || f.depth != 24 || s.dumb[f.handle] == nil {
			return unix.EINVAL
		}
		s.next++
		f.fb = s.next
		s.fbs[f.fb] = f.handle
	case ioctlRmFB:
		delete(s.fbs, *(*uint32)(arg))
	case ioctlMapDumb:
		m := (*mapDumb)(arg)
		m.offset = uint64(m.handle) << 12
	case ioctlDestroyDumb:
		delete(s.dumb, (*destroyDumb)(arg).handle)
	case ioctlPageFlip:
		f := (*pageFlip)(arg)
		if s.flipErr != nil {
			return s.flipErr
		}
		if s.events > 0 || f.flags != flipEvent {
			return unix.EBUSY // the one before is not done
		}
		s.shown[f.crtc] = f.fb
		s.flips++
		if !s.noEvent {
			s.events++
		}
	case ioctlDirtyFB:
		if f := (*fbDirty)(arg); s.fbs[f.fb] == 0 || f.countClips != 0 {
			s.t.Errorf("dirty %+v", *f)
		}
		s.dirty++
	default:
		return unix.ENOTTY
	}
	return nil
}

// seen returns a pixel of what a controller shows: red, green, blue.
func (s *standIn) seen(crtc uint32, x, y int) [3]byte {
	b := s.dumb[s.fbs[s.shown[crtc]]]
	if b == nil {
		s.t.Fatalf("controller %d shows buffer %d, which is none", crtc, s.shown[crtc])
	}
	p := b[y*(int(s.width)*4+16)+4*x:]
	return [3]byte{p[2], p[1], p[0]}
}

// picture is grey but for a red corner on the lower right.
func picture(w, h int, luma byte) *media.Picture {
	p := media.NewPicture(w, h)
	for i := range p.Y {
		p.Y[i] = luma
	}
	for i := range p.U {
		p.U[i], p.V[i] = 128, 128
	}
	at := (h-1)/2*p.UVStride + (w-1)/2
	p.Y[(h-1)*p.YStride+w-1], p.U[at], p.V[at] = 81, 90, 240
	return p
}

func TestShow(t *testing.T) {
	s, d := newStandIn(t)
	all, err := d.Displays(context.Background())
	if err != nil || len(all) != 2 || all[0].ID != "/dev/dri/card0:HDMI-A-2" || all[0].Width != 8 || all[0].Height != 6 || all[0].Problem != "" || all[1].Problem != "" {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, c := range []struct {
		id   string
		crtc uint32
	}{{"", 41}, {"/dev/dri/card0", 41}, {"/dev/dri/card0:HDMI-A-3", 42}} {
		display, err := d.OpenDisplay(context.Background(), c.id)
		if err != nil {
			t.Fatal(err)
		}
		if w, h := display.Size(); w != 8 || h != 6 {
			t.Errorf("%d by %d", w, h)
		}
		if p := s.seen(c.crtc, 0, 0); p != [3]byte{} {
			t.Errorf("the screen begins with %v", p)
		}
		before := s.shown[c.crtc]
		for i := range 5 {
			// White, then darker.
			if err := display.Show(picture(8, 6, byte(235-20*i))); err != nil {
				t.Fatal(err)
			}
			if p := s.seen(c.crtc, 3, 2); p[0] != p[1] || p[1] != p[2] || (p[0] == 255) != (i == 0) || p[0] < 140 {
				t.Errorf("picture %d: grey is %v", i, p)
			}
			if p := s.seen(c.crtc, 7, 5); p[0] < 250 || p[1] > 3 || p[2] > 3 {
				t.Errorf("picture %d: red is %v", i, p)
			}
			if s.shown[c.crtc] == before {
				t.Errorf("picture %d is drawn where it is seen", i)
			}
			before = s.shown[c.crtc]
		}
		if err := display.Show(picture(8, 4, 100)); hal.KindOf(err) != hal.Unsupported {
			t.Errorf("another size: %v", err)
		}
		for range 2 {
			if err := display.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := display.Show(picture(8, 6, 100)); !errors.Is(err, hal.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if s.open_ != 0 || s.maps != 0 || len(s.dumb) != 0 || len(s.fbs) != 0 {
			t.Errorf("left behind: %d files, %d mappings, %d buffers, %d framebuffers", s.open_, s.maps, len(s.dumb), len(s.fbs))
		}
	}
	if s.shown[41] != 7 {
		t.Errorf("the console's buffer is not given back: %d", s.shown[41])
	}
	if s.flips != 15 {
		t.Errorf("%d changes of pages for 15 pictures", s.flips)
	}
}

// TestDrawsInPlace: a driver without page flips shows pictures nevertheless.
func TestDrawsInPlace(t *testing.T) {
	s, d := newStandIn(t)
	s.flipErr = unix.ENOSYS
	display, err := d.OpenDisplay(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer display.Close()
	for _, luma := range []byte{235, 16, 235} {
		if err := display.Show(picture(8, 6, luma)); err != nil {
			t.Fatal(err)
		}
		if p := s.seen(41, 1, 1); (p[0] == 255) != (luma == 235) {
			t.Errorf("luma %d is seen as %v", luma, p)
		}
	}
	if s.dirty != 2 {
		t.Errorf("the driver is told %d times of what was drawn in place, want 2", s.dirty)
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*standIn)
		id     string
		want   hal.Kind
	}{
		{"no such device", func(*standIn) {}, "/dev/dri/card7", hal.Gone},
		{"no such connector", func(*standIn) {}, "/dev/dri/card0:DP-1", hal.Gone},
		{"no dumb buffers", func(s *standIn) { s.noDumb = true }, "/dev/dri/card0", hal.Unsupported},
		{"a desktop", func(s *standIn) { s.noMaster = unix.EACCES }, "/dev/dri/card0", hal.Busy},
		{"a desktop, by itself", func(s *standIn) { s.noMaster = unix.EBUSY }, "", hal.Gone},
		{"no picture at all", func(s *standIn) { s.height = 0 }, "/dev/dri/card0", hal.Unsupported},
		{"renders only", func(s *standIn) { s.renders = true }, "", hal.Gone},
	} {
		s, d := newStandIn(t)
		c.change(s)
		if _, err := d.OpenDisplay(context.Background(), c.id); hal.KindOf(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
		if s.open_ != 0 || s.maps != 0 || len(s.dumb) != 0 {
			t.Errorf("%s: something is left behind", c.name)
		}
	}
	s, d := newStandIn(t)
	s.renders = true
	if all, err := d.Displays(context.Background()); err != nil || len(all) != 0 {
		t.Errorf("a device that renders only is listed: %+v, %v", all, err)
	}
	s, d = newStandIn(t)
	s.noEvent = true
	display, err := d.OpenDisplay(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer display.Close()
	if err := display.Show(picture(8, 6, 100)); err != nil {
		t.Fatal(err)
	}
	if err := display.Show(picture(8, 6, 100)); hal.KindOf(err) != hal.Timeout {
		t.Errorf("no refresh comes: %v", err)
	}
	s.noEvent, s.flipErr = false, unix.EACCES
	if err := display.Show(picture(8, 6, 100)); hal.KindOf(err) != hal.Permission {
		t.Errorf("another program takes the screen: %v", err)
	}
}

// TestShowAllocations: nothing is allocated per picture.
func TestShowAllocations(t *testing.T) {
	_, d := newStandIn(t)
	display, err := d.OpenDisplay(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer display.Close()
	p := picture(8, 6, 100)
	if n := testing.AllocsPerRun(100, func() {
		if err := display.Show(p); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
