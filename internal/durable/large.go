package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Large is a folder that also holds files which are too long for ReadFile,
// such as programs.
type Large interface {
	FS
	// Open opens a file for reading from its begin and tells its length.
	Open(name string) (io.ReadCloser, int64, error)
	// Free returns how many bytes can still be written.
	Free() (int64, error)
}

// Open implements Large.
func (d *Dir) Open(name string) (io.ReadCloser, int64, error) {
	f, err := os.Open(d.name(name))
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// Free implements Large.
func (d *Dir) Free() (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.path, &st); err != nil {
		return 0, fmt.Errorf("durable: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// MakeExecutable lets the owner run a file as a program.
func (d *Dir) MakeExecutable(name string) error { return os.Chmod(d.name(name), 0o700) }

// File returns the path of a file in the folder.
func (d *Dir) File(name string) string { return d.name(name) }
