//go:build linux && cgo

package alsa

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/hal"
	"github.com/gen2brain/malgo"
)

// backendNull is miniaudio's null backend. malgo.BackendNull is one short of
// it: the list there lacks the custom backend.
const backendNull = malgo.BackendNull + 1

// machine is a driver on a made-up /sys and /dev, with miniaudio's null device
// behind every card: it takes and gives samples at the pace of a clock.
func machine(t *testing.T) *Driver {
	t.Helper()
	d := New(nil)
	d.sys, d.dev, d.backend = t.TempDir(), t.TempDir(), backendNull
	return d
}

func (d *Driver) plug(t *testing.T, number int, id string, pcms ...string) {
	t.Helper()
	dir := filepath.Join(d.sys, "class/sound", fmt.Sprintf("card%d", number))
	for p, text := range map[string]string{
		filepath.Join(dir, "id"):                                    id + "\n",
		filepath.Join(d.dev, fmt.Sprintf("snd/controlC%d", number)): "",
	} {
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pcms {
		if err := os.MkdirAll(filepath.Join(d.sys, "class/sound", fmt.Sprintf("pcmC%dD%s", number, p)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *Driver) unplug(t *testing.T, number int) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(d.sys, "class/sound", fmt.Sprintf("card%d", number))); err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind hal.Kind) {
	t.Helper()
	var e *hal.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error %v, want a *hal.Error of kind %v", err, kind)
	}
}

func TestCards(t *testing.T) {
	d := machine(t)
	d.plug(t, 0, "vc4hdmi", "0p")
	d.plug(t, 1, "Loopback", "0c", "0p", "1c", "1p")
	d.plug(t, 10, "Device", "0c", "0p")
	d.plug(t, 2, "seeed2micvoicec", "0c", "0p", "bogus", "xp")
	list, err := d.Cards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		id                        string
		capture, playback, chosen bool
	}
	want := []row{
		{"vc4hdmi", false, true, false},
		{"Loopback", true, true, false},
		{"Loopback,1", true, true, false},
		{"seeed2micvoicec", true, true, true},
		{"Device", true, true, false},
	}
	if len(list) != len(want) {
		t.Fatalf("listed %+v", list)
	}
	for i, c := range list {
		if got := (row{c.ID, c.Capture, c.Playback, c.IsDefault}); got != want[i] {
			t.Errorf("card %d is %+v, want %+v", i, got, want[i])
		}
	}
	for id, c := range map[string]struct {
		capture bool
		card    string
		device  int
		err     error
	}{
		"":           {true, "seeed2micvoicec", 0, nil},
		"Loopback":   {true, "Loopback", 0, nil},
		"Loopback,1": {true, "Loopback", 1, nil},
		"Loopback,2": {true, "", 0, errDirection},
		"Loopback,x": {true, "", 0, errNoCard},
		"vc4hdmi":    {true, "", 0, errDirection},
		"nobody":     {true, "", 0, errNoCard},
		"1":          {true, "", 0, errNoCard}, // never by index
	} {
		got, device, err := d.find(id, c.capture)
		if !errors.Is(err, c.err) || got.id != c.card || device != c.device {
			t.Errorf("find(%q) = %q, %d, %v; want %q, %d, %v", id, got.id, device, err, c.card, c.device, c.err)
		}
	}
}

func TestNoCards(t *testing.T) {
	d := machine(t)
	list, err := d.Cards(t.Context())
	if err != nil || len(list) != 0 {
		t.Errorf("Cards = %v, %v", list, err)
	}
	_, err = d.OpenMicrophone(t.Context(), "")
	wantKind(t, err, hal.Gone)
	_, err = d.OpenSpeaker(t.Context(), "Device")
	wantKind(t, err, hal.Gone)
}

func TestOpenWrongDirection(t *testing.T) {
	d := machine(t)
	d.plug(t, 0, "vc4hdmi", "0p")
	_, err := d.OpenMicrophone(t.Context(), "vc4hdmi")
	wantKind(t, err, hal.Unsupported)
}

// A card whose control device may not be opened says so.
func TestPermissionIsAProblem(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may open everything")
	}
	d := machine(t)
	d.plug(t, 0, "Device", "0c")
	if err := os.Chmod(filepath.Join(d.dev, "snd/controlC0"), 0); err != nil {
		t.Fatal(err)
	}
	list, err := d.Cards(t.Context())
	if err != nil || len(list) != 1 || !strings.Contains(list[0].Problem, "group \"audio\"") {
		t.Errorf("Cards = %+v, %v", list, err)
	}
}

// TestThisMachine asks the real ALSA, if there is one; without cards or
// libasound it proves that their absence is no error.
func TestThisMachine(t *testing.T) {
	d := New(nil)
	list, err := d.Cards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		t.Logf("%s: %s (%s) %v Hz, problem %q", c.ID, c.Name, c.Driver, c.Rates, c.Problem)
	}
	_, err = d.OpenSpeaker(t.Context(), "no-such-card")
	wantKind(t, err, hal.Gone)
}
