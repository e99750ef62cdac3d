package slot_test

import (
	"testing"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/internal/durable/powercut"
	"github.com/edgecam/edgecam/provisioning/update/slot"
)

// FuzzPick reads any bytes as the slots' state: something that can be started
// is always named, and a program that is not what its checksum says never is.
func FuzzPick(f *testing.F) {
	seed := powercut.New()
	if err := slot.Write(seed, slot.State{Current: slot.Installed}.Begin(slot.A, slot.Program{Size: 4, SHA256: "00"}, "id", "x")); err != nil {
		f.Fatal(err)
	}
	text, err := seed.ReadFile("slots")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, state []byte) {
		fsys := powercut.New()
		for name, data := range map[string][]byte{"slots": state, slot.File(slot.A): []byte("evil"), slot.File(slot.B): {}} {
			if err := durable.Replace(fsys, name, data); err != nil {
				t.Fatal(err)
			}
		}
		if name, trial, _ := slot.Pick(fsys, "x"); name != slot.Installed || trial {
			s, err := slot.Read(fsys)
			if err != nil || slot.Verify(fsys, name, s.Slots[name]) != nil {
				t.Fatalf("starts %q: %v", name, err)
			}
		}
	})
}
