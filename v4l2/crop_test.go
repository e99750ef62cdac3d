//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/hal"
)

func TestCrop(t *testing.T) {
	sensor := rect{8, 8, 1600, 1200}
	half := hal.Crop{X: 0.25, Y: 0.5, Width: 0.5, Height: 0.5}
	for _, c := range []struct {
		name    string
		sensor  rect
		before  rect
		fixed   bool
		want    hal.Crop
		got     hal.Crop
		rect    rect
		settled int // calls that set
	}{
		{name: "a quarter", sensor: sensor, before: sensor, want: half, got: half, rect: rect{408, 608, 800, 600}, settled: 1},
		{name: "what an earlier program left", sensor: sensor, before: rect{100, 100, 64, 48}, got: hal.Crop{}, rect: sensor, settled: 1},
		{name: "all, as it is", sensor: sensor, before: sensor, got: hal.Crop{}, rect: sensor},
		{name: "already there", sensor: sensor, before: rect{408, 608, 800, 600}, want: half, got: half, rect: rect{408, 608, 800, 600}},
		{name: "rounded by the driver", sensor: sensor, before: sensor, want: hal.Crop{Width: 0.501, Height: 1}, got: hal.Crop{Width: 0.5, Height: 1}, rect: rect{8, 8, 800, 1200}, settled: 1},
		{name: "no selection", want: half},
		{name: "a default only", sensor: sensor, before: sensor, fixed: true, want: half, rect: sensor, settled: 1},
		{name: "a default only, and no wish", sensor: sensor, before: sensor, fixed: true, rect: sensor},
	} {
		t.Run(c.name, func(t *testing.T) {
			node := small()
			node.sensor, node.crop, node.fixedCrop = c.sensor, c.before, c.fixed
			cam := open(t, node, hal.VideoMode{Crop: c.want})
			if got := cam.Mode().Crop; got != c.got || node.crop != c.rect {
				t.Errorf("part %+v, rectangle %+v; want %+v, %+v", got, node.crop, c.got, c.rect)
			}
			if n := node.calls["s_selection"]; n != c.settled {
				t.Errorf("set %d times, want %d", n, c.settled)
			}
		})
	}
	for _, bad := range []hal.Crop{{X: -0.1, Width: 0.5, Height: 0.5}, {X: 0.6, Width: 0.5, Height: 0.5}, {Width: 0.5}} {
		d := New(nil)
		node := small()
		node.sensor = sensor
		d.open = func(string) (kernel, error) { return node, nil }
		if _, err := configure(d.log, node, "/dev/video0", negotiate(node, must(abilities(node)), hal.VideoMode{})[0], hal.VideoMode{Crop: bad}); err == nil || err.Kind != hal.Unsupported {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func must(a []ability, _ bool) []ability { return a }

func TestControlEvents(t *testing.T) {
	const gain, mode = 0x00980913, 0x009a0901
	node := small()
	node.values[gain], node.values[mode] = 10, 1
	cam := open(t, node, hal.VideoMode{FrameInterval: time.Second / 30})
	play(t, node)
	got := make(chan controlChange, 16)
	watched := cam.WatchControls([]uint32{gain, 0x00980900, mode}, func(id uint32, value int64) { got <- controlChange{id, value} })
	if !slices.Equal(watched, []uint32{gain, mode}) {
		t.Errorf("watches %x", watched)
	}
	read := func() {
		t.Helper()
		for range 20 {
			f, err := cam.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			f.Release()
		}
	}
	read()
	if len(got) != 0 {
		t.Fatalf("told without a change: %v", <-got)
	}
	node.adjust(gain, 20)
	node.adjust(mode, 3)
	read()
	if a, b := <-got, <-got; a != (controlChange{gain, 20}) || b != (controlChange{mode, 3}) {
		t.Errorf("told %v and %v", a, b)
	}
	// Of a control that moves quickly the last value counts.
	node.mu.Lock()
	node.changes, node.event = append(node.changes, controlChange{gain, 21}, controlChange{gain, 22}), true
	node.mu.Unlock()
	node.cond.Broadcast()
	read()
	if c := <-got; c != (controlChange{gain, 22}) || len(got) != 0 {
		t.Errorf("told %v and %d more", c, len(got))
	}
}

func TestExportFrame(t *testing.T) {
	node := small()
	cam := open(t, node, hal.VideoMode{})
	play(t, node)
	f, err := cam.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fd, err := cam.ExportFrame(f)
	if err != nil || fd < 0 {
		t.Fatalf("%d, %v", fd, err)
	}
	if err := syscall.Close(fd); err != nil {
		t.Errorf("not an open descriptor: %v", err)
	}
	node.noExport = true
	if fd, err := cam.ExportFrame(f); fd != -1 || hal.KindOf(err) != hal.Unsupported {
		t.Errorf("without the call: %d, %v", fd, err)
	}
	node.noExport = false
	f.Release()
	if fd, err := cam.ExportFrame(f); fd != -1 || err == nil {
		t.Errorf("a frame that was given back: %d, %v", fd, err)
	}
}
