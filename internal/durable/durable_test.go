package durable_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/internal/durable/powercut"
)

type doc struct{ N int }

func save(t *testing.T, fsys durable.FS, n int) {
	t.Helper()
	if err := durable.Save(fsys, "doc", doc{n}); err != nil {
		t.Fatal(err)
	}
}

func TestSaveSurvivesPowerCuts(t *testing.T) {
	var done bool
	f := powercut.Enumerate(t, func(d *powercut.Disk) { save(t, d, 1); save(t, d, 2) },
		func(d *powercut.Disk) { done = durable.Save(d, "doc", doc{3}) == nil },
		func(d *powercut.Disk, _ int, loss powercut.Loss) {
			var got doc
			if err := durable.Load(d, "doc", &got); err != nil {
				t.Errorf("%s: %v", loss, err)
			}
			// Acknowledged means kept; else the old or the new.
			if done && got.N != 3 || got.N != 2 && got.N != 3 {
				t.Errorf("%s: read %d, saved: %v", loss, got.N, done)
			}
		})
	t.Logf("%+v", f)
}

func TestReplaceSurvivesPowerCuts(t *testing.T) {
	var done bool
	powercut.Enumerate(t, func(d *powercut.Disk) {
		if err := durable.Replace(d, "f", []byte("old content")); err != nil {
			t.Fatal(err)
		}
	}, func(d *powercut.Disk) { done = durable.Replace(d, "f", []byte("new")) == nil },
		func(d *powercut.Disk, _ int, loss powercut.Loss) {
			got, err := d.ReadFile("f")
			if s := string(got); err != nil || done && s != "new" || s != "new" && s != "old content" {
				t.Errorf("%s: %q, %v (done %v)", loss, got, err, done)
			}
		})
}

// Replace would be wrong without its sync: the model must see that.
// careless Replace would be without its sync: the model must see it.
func TestModelSeesMissingSync(t *testing.T) {
	d := powercut.New()
	f, _ := d.Create("f.tmp")
	f.Write([]byte("new"))
	d.Rename("f.tmp", "f")
	d.SyncDir()
	if got, _ := d.After(powercut.LoseAll).ReadFile("f"); len(got) != 0 {
		t.Fatalf("unsynced data survived: %q", got)
	}
	if got, _ := d.After(powercut.Zeroed).ReadFile("f"); !bytes.Equal(got, make([]byte, 3)) {
		t.Fatalf("zeroed: %q", got)
	}
}

func TestEraseLeavesNothing(t *testing.T) {
	secret := []byte("very secret key bytes")
	d := powercut.New()
	if err := durable.Replace(d, "key", secret); err != nil {
		t.Fatal(err)
	}
	if err := durable.Erase(d, "key"); err != nil {
		t.Fatal(err)
	}
	if d.Contains(secret) {
		t.Error("the secret is still on the disk")
	}
	if err := durable.Erase(d, "key"); err != nil {
		t.Errorf("erasing what is gone: %v", err)
	}
}

func TestMemory(t *testing.T) {
	m := durable.NewMemory()
	if err := durable.Load(m, "doc", &doc{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	save(t, m, 1)
	save(t, m, 2)
	var got doc
	if err := durable.Load(m, "doc", &got); err != nil || got.N != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := durable.Erase(m, "doc"); err != nil {
		t.Error(err)
	}
	if err := durable.Load(m, "doc", &got); err != nil || got.N != 1 {
		t.Errorf("the backup: %+v, %v", got, err)
	}
	if names, _ := m.Names(); len(names) != 1 {
		t.Errorf("names %v", names)
	}
}

func TestDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d, err := durable.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := durable.Load(d, "doc", &doc{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	save(t, d, 1)
	save(t, d, 2)
	if info, err := os.Stat(filepath.Join(path, "doc")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// A damaged file: the one before it.
	if err := os.WriteFile(filepath.Join(path, "doc"), []byte("edgecam-state 1 00000000 7\n{\"N\":5}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got doc
	if err := durable.Load(d, "doc", &got); err != nil || got.N != 1 {
		t.Errorf("after damage: %+v, %v", got, err)
	}
	os.WriteFile(filepath.Join(path, "doc.bak"), nil, 0o600)
	if err := durable.Load(d, "doc", &got); !errors.Is(err, durable.ErrDamaged) {
		t.Errorf("both damaged: %v", err)
	}
	f, err := d.Append("log")
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("secret"))
	f.Close()
	// The erased content must not be in the blocks: read it through a link.
	if err := os.Link(filepath.Join(path, "log"), filepath.Join(path, "other")); err != nil {
		t.Skip("no hard links here")
	}
	if err := durable.Erase(d, "log"); err != nil {
		t.Fatal(err)
	}
	if left, _ := d.ReadFile("other"); !bytes.Equal(left, make([]byte, 6)) {
		t.Errorf("erased file holds %q", left)
	}
	names, err := d.Names()
	if err != nil || len(names) != 3 {
		t.Errorf("names %v, %v", names, err)
	}
}
