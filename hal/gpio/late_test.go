package gpio

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"unsafe"
)

// TestChipsComeAndGo: chips that periph has read are kept while they are the same,
// those that came later are read, those that are gone are left out, and a second
// name of a chip is no second chip.
func TestChipsComeAndGo(t *testing.T) {
	dir := t.TempDir()
	node := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	stays, other, late, forbidden := node("gpiochip0"), node("gpiochip1"), node("gpiochip2"), node("gpiochip3")
	if err := os.Symlink("gpiochip0", filepath.Join(dir, "gpiochip4")); err != nil {
		t.Fatal(err)
	}
	node("gpiochip5") // cannot be read
	known := []chip{
		{label: "stays", path: stays},
		{label: "before", path: other},
		{label: "forbidden", path: forbidden},
		{label: "gone", path: filepath.Join(dir, "gpiochip9")},
	}
	got := present(known, filepath.Join(dir, "gpiochip*"), func(path string, old *chip) (chip, error) {
		switch path {
		case stays:
			return *old, nil
		case other:
			if old == nil || old.label != "before" {
				t.Errorf("%s was known as %+v", path, old)
			}
			return chip{label: "after", path: path}, nil
		case late:
			return chip{label: "late", path: path}, nil
		case forbidden:
			return chip{}, fs.ErrPermission
		}
		return chip{}, errors.New("no chip")
	})
	var labels []string
	for _, c := range got {
		labels = append(labels, c.label)
	}
	if len(labels) != 4 || labels[0] != "stays" || labels[1] != "after" || labels[2] != "late" || labels[3] != "forbidden" {
		t.Errorf("chips %v", labels)
	}
}

func TestInfoLayout(t *testing.T) {
	if n := unsafe.Sizeof(chipInfo{}); n != 68 {
		t.Errorf("chip info has %d bytes", n)
	}
	if n := unsafe.Sizeof(lineInfo{}); n != 256 {
		t.Errorf("line info has %d bytes", n)
	}
	if _, err := readChip("/dev/zero", nil); err == nil {
		t.Error("/dev/zero is a chip")
	}
}
