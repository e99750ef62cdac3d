package powercut

import (
	"bytes"
	"io"
	"io/fs"
)

// SetFree bounds what Free tells; negative, as at the begin: plenty.
func (d *Disk) SetFree(n int64) { d.mu.Lock(); d.limit, d.limited = n, n >= 0; d.mu.Unlock() }

// Open implements durable.Large.
func (d *Disk) Open(name string) (io.ReadCloser, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, 0, ErrCut
	}
	n, ok := d.seen[name]
	if !ok {
		return nil, 0, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(n.seen)), int64(len(n.seen)), nil
}

// Free implements durable.Large.
func (d *Disk) Free() (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return 0, ErrCut
	}
	if d.limited {
		return d.limit, nil
	}
	return 1 << 40, nil
}
