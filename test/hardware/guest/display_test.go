package guest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/drm"
	"github.com/edgecam/edgecam/hal/fbdev"
)

// TestDisplay shows pictures on an emulated graphics card, by mode setting and on
// the framebuffer on top of it.
func TestDisplay(t *testing.T) {
	for _, c := range []struct {
		name   string
		driver hal.DisplayDriver
		id     string
	}{{"drm", drm.New(), "/dev/dri/card0:Virtual-1"}, {"fbdev", fbdev.New(), "/dev/fb0"}} {
		t.Run(c.name, func(t *testing.T) {
			found, err := c.driver.Displays(context.Background())
			if err != nil || len(found) != 1 || found[0].ID != c.id || found[0].Problem != "" {
				t.Fatalf("displays: %+v, %v", found, err)
			}
			d, err := c.driver.OpenDisplay(context.Background(), "")
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			w, h := d.Size()
			if w != found[0].Width || h != found[0].Height {
				t.Errorf("%d by %d, listed as %+v", w, h, found[0])
			}
			p := media.NewPicture(w, h)
			start := time.Now()
			for i := range 10 {
				for k := range p.Y {
					p.Y[k] = byte(16 + 20*i)
				}
				if err := d.Show(p); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d by %d: 10 pictures in %v", w, h, time.Since(start).Round(time.Millisecond))
			if err := d.Show(media.NewPicture(w-2, h)); hal.KindOf(err) != hal.Unsupported {
				t.Errorf("a picture of another size: %v", err)
			}
			if c.name == "drm" {
				if _, err := c.driver.OpenDisplay(context.Background(), c.id); hal.KindOf(err) != hal.Busy || !strings.Contains(err.Error(), "another program") {
					t.Errorf("opened twice: %v", err)
				}
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			if again, err := c.driver.OpenDisplay(context.Background(), c.id); err != nil {
				t.Errorf("opened again: %v", err)
			} else if err := again.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
