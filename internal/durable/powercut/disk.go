// Package powercut is a disk whose power can be cut. It implements durable.FS
// in memory and keeps apart what a program sees and what has reached the
// medium: data is on the medium after Sync, names are after SyncDir. A test
// counts the operations of a piece of work, repeats the work with the power cut
// at each of them, and looks at every state the medium may then be in.
package powercut

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/edgecam/edgecam/internal/durable"
)

// ErrCut is what every operation returns once the power is gone.
var ErrCut = errors.New("powercut: no power")

// ErrFull is what a write on a full disk returns.
var ErrFull = errors.New("powercut: no space left on device")

// Loss says what the medium holds of what was not yet synced.
type Loss int

// The ways of losing: a mere kill of the process keeps everything; a file
// system may keep data without names, names without data, half of the data, or
// the length with zeros for content.
const (
	KeepAll   Loss = iota // the process was killed, the kernel lives on
	LoseAll               // only what was synced
	NamesOnly             // names as seen, data as synced
	DataOnly              // names as synced, data as seen
	Torn                  // names as seen, half of the unsynced data
	Zeroed                // names as seen, unsynced data is zeros
	numLosses
)

var lossNames = [...]string{"keep-all", "lose-all", "names-only", "data-only", "torn", "zeroed"}

// String returns the loss's name.
func (l Loss) String() string { return lossNames[l] }

// Losses lists all ways of losing.
func Losses() []Loss {
	out := make([]Loss, numLosses)
	for i := range out {
		out[i] = Loss(i)
	}
	return out
}

// inode is a file's content, as seen and as on the medium.
type inode struct{ seen, synced []byte }

// Disk is one folder on such a disk.
type Disk struct {
	mu     sync.Mutex
	seen   map[string]*inode
	synced map[string]*inode
	ops    int
	cutAt  int // number of the operation during which the power goes; 0: never
	full   int // number of the write that finds the disk full; 0: never
	dead   bool
	graves []*inode // files that were removed or replaced: their blocks remain

	limit   int64 // what Free tells, if limited
	limited bool
}

// New returns an empty disk with power.
func New() *Disk { return &Disk{seen: map[string]*inode{}, synced: map[string]*inode{}} }

// CutAt makes the power go during the nth operation from now, counted from 1.
func (d *Disk) CutAt(n int) { d.ops, d.cutAt = 0, n }

// FullAt makes the nth operation from now, if it writes, find the disk full.
func (d *Disk) FullAt(n int) { d.ops, d.full = 0, n }

// Ops returns how many operations that change something were begun since the
// last CutAt.
func (d *Disk) Ops() int { return d.ops }

// Dead reports whether the power has been cut.
func (d *Disk) Dead() bool { return d.dead }

// After returns what is found when the power is back.
func (d *Disk) After(loss Loss) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := New()
	names := d.seen
	if loss == LoseAll || loss == DataOnly {
		names = d.synced
	}
	done := map[*inode]*inode{}
	for name, n := range names {
		c, ok := done[n]
		if !ok {
			data := n.survive(loss)
			c = &inode{data, data}
			done[n] = c
		}
		out.seen[name] = c
	}
	out.synced = maps.Clone(out.seen)
	out.graves = slices.Clone(d.graves)
	return out
}

func (n *inode) survive(loss Loss) []byte {
	switch loss {
	case LoseAll, NamesOnly:
		return slices.Clone(n.synced)
	case Torn, Zeroed:
		if len(n.seen) < len(n.synced) || string(n.seen[:len(n.synced)]) != string(n.synced) {
			return slices.Clone(n.synced) // truncated or overwritten: the old may still be there
		}
		tail := n.seen[len(n.synced):]
		if loss == Torn {
			return append(slices.Clone(n.synced), tail[:len(tail)/2]...)
		}
		return append(slices.Clone(n.synced), make([]byte, len(tail))...)
	}
	return slices.Clone(n.seen)
}

// step counts an operation. It reports whether the operation is carried out in
// full, and the error to return.
func (d *Disk) step() (carryOut bool, err error) {
	if d.dead {
		return false, ErrCut
	}
	d.ops++
	if d.ops == d.cutAt {
		d.dead = true
		return false, ErrCut
	}
	return true, nil
}

// ReadFile implements durable.FS.
func (d *Disk) ReadFile(name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, ErrCut
	}
	n, ok := d.seen[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(n.seen), nil
}

// Create implements durable.FS.
func (d *Disk) Create(name string) (durable.File, error) { return d.open(name, true) }

// Append implements durable.FS.
func (d *Disk) Append(name string) (durable.File, error) { return d.open(name, false) }

func (d *Disk) open(name string, empty bool) (durable.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, ErrCut
	}
	n, ok := d.seen[name]
	if !ok || empty {
		if _, err := d.step(); err != nil {
			return nil, err
		}
	}
	if !ok {
		n = &inode{}
		d.seen[name] = n
	}
	if empty {
		n.seen = nil
	}
	return &file{d, n}, nil
}

// Rename implements durable.FS.
func (d *Disk) Rename(oldName, newName string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return ErrCut
	}
	n, ok := d.seen[oldName]
	if !ok {
		return fs.ErrNotExist
	}
	if _, err := d.step(); err != nil {
		return err
	}
	if old := d.seen[newName]; old != nil {
		d.graves = append(d.graves, old)
	}
	delete(d.seen, oldName)
	d.seen[newName] = n
	return nil
}

// Remove implements durable.FS.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return ErrCut
	}
	n, ok := d.seen[name]
	if !ok {
		return fs.ErrNotExist
	}
	if _, err := d.step(); err != nil {
		return err
	}
	d.graves = append(d.graves, n)
	delete(d.seen, name)
	return nil
}

// SyncDir implements durable.FS.
func (d *Disk) SyncDir() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.step(); err != nil {
		return err
	}
	d.synced = maps.Clone(d.seen)
	return nil
}

// Names implements durable.FS.
func (d *Disk) Names() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, ErrCut
	}
	return slices.Sorted(maps.Keys(d.seen)), nil
}

// Contains reports whether the medium holds the bytes anywhere: in any file,
// backups and temporary files included, or in the blocks of one that was
// removed or replaced without being overwritten.
func (d *Disk) Contains(secret []byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, names := range []map[string]*inode{d.seen, d.synced} {
		for _, n := range names {
			if contains(n.seen, secret) || contains(n.synced, secret) {
				return true
			}
		}
	}
	return slices.ContainsFunc(d.graves, func(n *inode) bool { return contains(n.synced, secret) })
}
