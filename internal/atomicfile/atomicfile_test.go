package atomicfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustWrite(t *testing.T, path, content string) {
	t.Helper()
	if err := Write(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWriteReplacesAndKeepsBackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	mustWrite(t, path, "one")
	mustWrite(t, path, "two")
	for name, want := range map[string]string{path: "two", path + BackupSuffix: "one"} {
		got, err := os.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("%s = %q, %v; want %q", filepath.Base(name), got, err, want)
		}
		if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(name), info.Mode())
		}
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 2 {
		t.Errorf("%d files left, want the file and its backup: %v", len(entries), entries)
	}
}

// TestInterruptedAtEveryStep stops a write at each moment and requires that
// the file is then the old or the new content in full.
func TestInterruptedAtEveryStep(t *testing.T) {
	oldData, newData := strings.Repeat("old ", 500), strings.Repeat("NEW!", 700)
	for cut := stepCreated; cut <= stepRenamed; cut++ {
		path := filepath.Join(t.TempDir(), "state")
		mustWrite(t, path, "older")
		mustWrite(t, path, oldData)
		err := write(path, []byte(newData), 0o600, func(s step) error {
			if s == cut {
				return errCut
			}
			return nil
		})
		if !errors.Is(err, errCut) {
			t.Fatalf("step %d: error %v", cut, err)
		}
		want := oldData
		if cut == stepRenamed {
			want = newData
		}
		got, recovered, err := Read(path, nil)
		if err != nil || string(got) != want || recovered {
			t.Errorf("step %d: read %d bytes, recovered %v, %v", cut, len(got), recovered, err)
		}
		mustWrite(t, path, "after") // a left-over temporary file is no obstacle
		if got, _, _ := Read(path, nil); string(got) != "after" {
			t.Errorf("step %d: next write gave %q", cut, got)
		}
	}
}

func TestReadFallsBackToBackup(t *testing.T) {
	check := func(b []byte) error {
		if !bytes.HasPrefix(b, []byte("ok")) {
			return errors.New("damaged")
		}
		return nil
	}
	path := filepath.Join(t.TempDir(), "state")
	mustWrite(t, path, "ok 1")
	mustWrite(t, path, "ok 2")
	for name, damage := range map[string]func() error{
		"truncated": func() error { return os.Truncate(path, 0) },
		"garbage":   func() error { return os.WriteFile(path, []byte("\x00\x00"), 0o600) },
		"oversized": func() error { return os.Truncate(path, MaxSize+1) },
		"missing":   func() error { return os.Remove(path) },
		"directory": func() error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	} {
		os.RemoveAll(path)
		os.WriteFile(path, []byte("ok 2"), 0o600)
		if err := damage(); err != nil {
			t.Fatal(name, err)
		}
		got, recovered, err := Read(path, check)
		if err != nil || string(got) != "ok 1" || !recovered {
			t.Errorf("%s: %q, %v, %v; want the backup", name, got, recovered, err)
		}
	}
	os.RemoveAll(path)
	os.Remove(path + BackupSuffix)
	if _, _, err := Read(path, check); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v, want fs.ErrNotExist", err)
	}
}

func TestWriteErrorKeepsOld(t *testing.T) {
	if err := Write(filepath.Join(t.TempDir(), "absent", "x"), nil, 0o600); err == nil {
		t.Error("no error for a folder that is not there")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(path, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("x"), 0o600); err == nil {
		t.Error("no error where a folder has the file's name")
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.Contains(e.Name(), ".tmp") {
			t.Errorf("left behind %s", e.Name())
		}
	}
}
