//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"errors"
	"slices"
	"testing"

	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

func controlled(t *testing.T) (*Camera, *fakeNode) {
	node := small()
	node.ctrls = []controlInfo{
		{id: 0x980001, kind: uapi.CtrlTypeClass, name: "User Controls", flags: controlReadOnly},
		{id: 0x980900, kind: uapi.CtrlTypeInt, name: "Brightness", min: -64, max: 64, step: 1},
		{id: 0x980901, kind: uapi.CtrlTypeInt, name: "Gone", max: 1, flags: controlDisabled},
		{id: 0x980903, kind: uapi.CtrlTypeButton, name: "Reset", flags: controlWriteOnly},
		{id: 0x980918, kind: uapi.CtrlTypeMenu, name: "Power Line Frequency", max: 3, step: 1, def: 1},
		{id: 0x98091a, kind: uapi.CtrlTypeInt, name: "Temperature", max: 6500, flags: controlReadOnly},
		{id: 0x98091b, kind: uapi.CtrlTypeInt64, name: "Wide", max: 1 << 40, step: 1},
		{id: 0x98091c, kind: typeBitMask, name: "Mask", max: 0x8000000a},
		{id: 0x98091d, kind: uapi.CtrlTypeU8, name: "Matrix", elems: 64, flags: controlPayload},
		{id: 0x98091e, kind: uapi.CtrlTypeIntegerMenu, name: "Link", min: 1, max: 2},
	}
	node.values = map[uint32]int64{0x980900: 3, 0x980918: 2, 0x98091a: 4000, 0x98091b: 1 << 35, 0x98091c: -0x7ffffffe, 0x98091e: 1}
	node.menus = map[uint32][]string{0x980918: {"Disabled", "50 Hz", "60 Hz"}, 0x98091e: {"", "100", "200"}}
	return open(t, node, hal.VideoMode{}), node
}

func TestControls(t *testing.T) {
	cam, _ := controlled(t)
	list, err := cam.Controls()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	byName := map[string]hal.Control{}
	for _, c := range list {
		names = append(names, c.Name)
		byName[c.Name] = c
	}
	want := []string{"Brightness", "Power Line Frequency", "Temperature", "Wide", "Mask", "Link"}
	if !slices.Equal(names, want) {
		t.Fatalf("controls %q, want %q", names, want)
	}
	if b := byName["Brightness"]; b.Min != -64 || b.Max != 64 || b.Value != 3 || b.ReadOnly {
		t.Errorf("brightness %+v", b)
	}
	if m := byName["Power Line Frequency"].Menu; !slices.Equal(m, []string{"Disabled", "50 Hz", "60 Hz", ""}) {
		t.Errorf("menu %q", m)
	}
	if m := byName["Link"].Menu; !slices.Equal(m, []string{"", "100", "200"}) {
		t.Errorf("integer menu %q", m)
	}
	if v := byName["Mask"].Value; v != 0x80000002 {
		t.Errorf("bit mask %#x", v)
	}
	if !byName["Temperature"].ReadOnly || byName["Wide"].Value != 1<<35 {
		t.Errorf("read-only %v, wide %d", byName["Temperature"].ReadOnly, byName["Wide"].Value)
	}
}

func TestSetControl(t *testing.T) {
	cam, node := controlled(t)
	for _, c := range []struct {
		name  string
		id    uint32
		value int64
		err   error
	}{
		{"in range", 0x980900, -64, nil},
		{"below", 0x980900, -65, errOutOfRange},
		{"above", 0x980900, 65, errOutOfRange},
		{"wide", 0x98091b, 1 << 39, nil},
		{"button", 0x980903, 0, nil},
		{"read-only", 0x98091a, 1, errReadOnly},
		{"disabled", 0x980901, 1, errNoControl},
		{"not there", 0x123, 1, errNoControl},
		{"array", 0x98091d, 1, errNoControl},
		{"bits", 0x98091c, 0x08, nil},
		{"bits that are not there", 0x98091c, 0x04, errOutOfRange},
	} {
		err := cam.SetControl(c.id, c.value)
		if c.err == nil {
			if err != nil || node.values[c.id] != c.value {
				t.Errorf("%s: %v, value %d", c.name, err, node.values[c.id])
			}
			continue
		}
		if !errors.Is(err, c.err) || hal.KindOf(err) != hal.Unsupported {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
	}
	cam.Close()
	if err := cam.SetControl(0x980900, 1); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := cam.Controls(); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestControlValue(t *testing.T) {
	cam, node := controlled(t)
	node.values[0x98091a] = 4100 // the camera has changed it
	for id, want := range map[uint32]int64{0x98091a: 4100, 0x98091b: 1 << 35, 0x98091c: 0x80000002} {
		if v, err := cam.ControlValue(id); err != nil || v != want {
			t.Errorf("control %#x is %d, %v; want %d", id, v, err, want)
		}
	}
	for _, id := range []uint32{0x980901, 0x980903, 0x98091d, 0x123} {
		if v, err := cam.ControlValue(id); hal.KindOf(err) != hal.Unsupported {
			t.Errorf("control %#x is %d, %v; want Unsupported", id, v, err)
		}
	}
	cam.Close()
	if _, err := cam.ControlValue(0x98091a); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
