package durable

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Dir is a folder of the operating system. It implements FS.
type Dir struct{ path string }

// OpenDir makes the folder if need be, for its owner only, and returns it.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	return &Dir{path}, nil
}

// Path returns where the folder is.
func (d *Dir) Path() string { return d.path }

func (d *Dir) name(name string) string { return filepath.Join(d.path, filepath.Base(name)) }

// ReadFile implements FS.
func (d *Dir) ReadFile(name string) ([]byte, error) {
	f, err := os.Open(d.name(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err == nil && len(data) > MaxSize {
		return nil, fmt.Errorf("%s is larger than the %d bytes that a state file may have", d.name(name), MaxSize)
	}
	return data, err
}

// Create implements FS.
func (d *Dir) Create(name string) (File, error) {
	return open(d.name(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
}

// Append implements FS.
func (d *Dir) Append(name string) (File, error) {
	return open(d.name(name), os.O_WRONLY|os.O_CREATE|os.O_APPEND)
}

func open(path string, flags int) (File, error) {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

type osFile struct{ *os.File }

// Zero overwrites the first n bytes. It opens the file again because a file
// opened for appending cannot be written elsewhere.
func (f osFile) Zero(n int) error {
	w, err := os.OpenFile(f.Name(), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := w.Write(make([]byte, n)); err != nil {
		return err
	}
	return w.Sync()
}

// Rename implements FS.
func (d *Dir) Rename(oldName, newName string) error {
	return os.Rename(d.name(oldName), d.name(newName))
}

// Remove implements FS.
func (d *Dir) Remove(name string) error { return os.Remove(d.name(name)) }

// SyncDir implements FS.
func (d *Dir) SyncDir() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// Names implements FS.
func (d *Dir) Names() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}
