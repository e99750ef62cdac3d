package drm

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// TestDevice shows pictures on the real device that EDGECAM_DRM_DEVICE names, and
// gives the screen back. It changes what the screen shows for a moment, or for
// EDGECAM_DRM_SHOW.
func TestDevice(t *testing.T) {
	id := os.Getenv("EDGECAM_DRM_DEVICE")
	if id == "" {
		t.Skip("EDGECAM_DRM_DEVICE names no device, such as /dev/dri/card0")
	}
	d := New()
	all, err := d.Displays(context.Background())
	if err != nil || len(all) == 0 {
		t.Fatalf("displays: %+v, %v", all, err)
	}
	for _, i := range all {
		t.Logf("%+v", i)
	}
	display, err := d.OpenDisplay(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer display.Close()
	s := display.(*screen)
	w, h := display.Size()
	if !strings.HasPrefix(id, s.card.path) || w < 16 || h < 16 {
		t.Fatalf("%s is %d by %d", id, w, h)
	}
	seen := func() uint32 {
		m := modeCRTC{crtc: s.out.crtc}
		if err := s.card.sys.ioctl(s.card.fd, ioctlGetCRTC, unsafe.Pointer(&m)); err != nil {
			t.Fatal(err)
		}
		return m.fb
	}
	before := seen()
	for i := range 4 {
		if err := display.Show(picture(w, h, byte(80+20*i))); err != nil {
			t.Fatal(err)
		}
		if err := s.wait(); err != nil {
			t.Fatal(err)
		}
		now := seen()
		if now != s.pages[s.seen].fb || now == before && !s.still {
			t.Errorf("picture %d: buffer %d is shown, %d before", i, now, before)
		}
		before = now
	}
	t.Logf("pages are changed: %v", !s.still)
	if show, err := time.ParseDuration(os.Getenv("EDGECAM_DRM_SHOW")); err == nil {
		time.Sleep(show)
	}
	if other, err := d.OpenDisplay(context.Background(), id); err == nil {
		other.Close()
		t.Error("the device is opened twice")
	} else {
		t.Logf("a second time: %v", err)
	}
	if err := display.Close(); err != nil {
		t.Error(err)
	}
	if again, err := d.OpenDisplay(context.Background(), ""); err != nil {
		t.Errorf("after Close: %v", err)
	} else if err := again.Close(); err != nil {
		t.Error(err)
	}
}
