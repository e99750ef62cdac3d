package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/edgecam/edgecam/hal"
)

// displays is a driver that has some displays, of which it opens what it is told.
type displays struct {
	list   []hal.DisplayInfo
	opened string
}

var errOpened = errors.New("opened")

func (d *displays) Displays(context.Context) ([]hal.DisplayInfo, error) { return d.list, nil }

func (d *displays) OpenDisplay(_ context.Context, id string) (hal.Display, error) {
	d.opened = id
	return nil, errOpened
}

func TestChooseDisplay(t *testing.T) {
	usable, broken := hal.DisplayInfo{ID: "good"}, hal.DisplayInfo{ID: "bad", Problem: "taken"}
	for _, c := range []struct {
		source  string
		drm, fb []hal.DisplayInfo
		want    string // driver and id
	}{
		{"auto", []hal.DisplayInfo{broken, usable}, []hal.DisplayInfo{usable}, "drm good"},
		{"auto", []hal.DisplayInfo{broken}, []hal.DisplayInfo{usable}, "fb good"},
		{"auto", nil, []hal.DisplayInfo{broken}, ""},
		{"none", []hal.DisplayInfo{usable}, nil, ""},
		{"fb:/dev/fb1", []hal.DisplayInfo{usable}, nil, "fb /dev/fb1"},
		{"drm:/dev/dri/card1:HDMI-A-1", nil, nil, "drm /dev/dri/card1:HDMI-A-1"},
		{"drm:", nil, nil, "error"},
		{"x11:0", nil, nil, "error"},
	} {
		first, second := &displays{list: c.drm}, &displays{list: c.fb}
		open, err := chooseDisplay(context.Background(), c.source, []displayDriver{{"drm", first}, {"fb", second}}, slog.New(slog.DiscardHandler))
		got := ""
		switch {
		case err != nil:
			got = "error"
		case open != nil:
			if _, err := open(context.Background()); !errors.Is(err, errOpened) {
				t.Errorf("%s: %v", c.source, err)
			}
			if got = "drm " + first.opened; first.opened == "" {
				got = "fb " + second.opened
			}
		}
		if got != c.want {
			t.Errorf("%s is %q, want %q", c.source, got, c.want)
		}
	}
}
