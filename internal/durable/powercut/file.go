package powercut

import (
	"bytes"
	"slices"
)

type file struct {
	disk *Disk
	node *inode
}

// Write adds p at the end; if the power goes meanwhile, half of it.
func (f *file) Write(p []byte) (int, error) {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	wasAlive := !d.dead
	if _, err := d.step(); err != nil {
		n := 0
		if wasAlive {
			n = len(p) / 2
			f.node.seen = append(slices.Clone(f.node.seen), p[:n]...)
		}
		return n, err
	}
	if d.ops == d.full {
		n := len(p) / 2
		f.node.seen = append(slices.Clone(f.node.seen), p[:n]...)
		return n, ErrFull
	}
	f.node.seen = append(slices.Clone(f.node.seen), p...)
	return len(p), nil
}

// Zero overwrites the first n bytes.
func (f *file) Zero(n int) error {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.step(); err != nil {
		return err
	}
	f.node.seen = slices.Clone(f.node.seen)
	clear(f.node.seen[:min(n, len(f.node.seen))])
	f.node.synced = slices.Clone(f.node.seen)
	return nil
}

func (f *file) Sync() error {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.step(); err != nil {
		return err
	}
	f.node.synced = slices.Clone(f.node.seen)
	return nil
}

func (f *file) Close() error { return nil }

func contains(data, secret []byte) bool { return bytes.Contains(data, secret) }
