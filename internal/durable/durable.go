// Package durable is the file layer under everything that must survive a power
// cut: identity, desired configuration, command journal, event queue. Code that
// keeps state takes an [FS] instead of calling package os, so that a test can
// cut the power at each write, sync and rename (package powercut) and look at
// what is left.
//
// An FS is one flat folder. [Replace] and [Save] swap a whole file; [Erase]
// overwrites a secret before it removes it; logs are written through Append.
package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"
)

// FS is one folder. Names are plain file names without a slash. Files are
// readable by their owner only.
type FS interface {
	// ReadFile returns a file's content, at most MaxSize bytes; the error
	// wraps fs.ErrNotExist if there is none.
	ReadFile(name string) ([]byte, error)
	// Create makes an empty file, or empties the one that is there.
	Create(name string) (File, error)
	// Append opens a file for writing at its end and makes it if need be.
	Append(name string) (File, error)
	// Rename replaces newName by the file oldName.
	Rename(oldName, newName string) error
	// Remove deletes a file.
	Remove(name string) error
	// SyncDir makes creations, renames and removals durable.
	SyncDir() error
	// Names lists the files, sorted.
	Names() ([]string, error)
}

// File is a file being written. What was written is durable after Sync, and
// can be found by its name after SyncDir.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// MaxSize bounds what ReadFile takes into memory.
const MaxSize = 16 << 20

// TempSuffix ends the names of files that were being written when the power
// went; nobody reads them.
const TempSuffix = ".tmp"

// BackupSuffix ends the name of the content before the last Save.
const BackupSuffix = ".bak"

// ErrDamaged tells that a file's checksum is wrong.
var ErrDamaged = errors.New("durable: the file is damaged")

// Replace makes data the content of the file name. After a power cut the file
// has either the old content or the new.
func Replace(fsys FS, name string, data []byte) error {
	tmp := name + TempSuffix
	if err := write(fsys, tmp, data); err != nil {
		return fmt.Errorf("durable: write %s: %w", name, err)
	}
	if err := fsys.Rename(tmp, name); err != nil {
		return fmt.Errorf("durable: write %s: %w", name, err)
	}
	return fsys.SyncDir()
}

func write(fsys FS, name string, data []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// header begins a file that Save wrote: checksum and length of the JSON text
// after the line.
const header = "edgecam-state 1 %08x %d\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the CRC-32C of data, as all of edgecam's state files use it.
func Checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// Save replaces the file name by v as JSON with a checksum. The content before
// stays beside it as a backup for Load; secrets do not belong here.
func Save(fsys FS, name string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("durable: %s: %w", name, err)
	}
	data := fmt.Appendf(nil, header, Checksum(body), len(body))
	data = append(append(data, body...), '\n')
	if err := write(fsys, name+TempSuffix, data); err != nil {
		return fmt.Errorf("durable: write %s: %w", name, err)
	}
	// Between the two renames only the backup exists; Load then reads that.
	if err := fsys.Rename(name, name+BackupSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("durable: write %s: %w", name, err)
	}
	if err := fsys.Rename(name+TempSuffix, name); err != nil {
		return fmt.Errorf("durable: write %s: %w", name, err)
	}
	return fsys.SyncDir()
}

// Load reads what Save wrote into v: the file, or its backup if it is damaged
// or missing. The error wraps fs.ErrNotExist if neither exists and ErrDamaged
// if nothing can be read.
func Load(fsys FS, name string, v any) error {
	err := load(fsys, name, v)
	if err == nil {
		return nil
	}
	berr := load(fsys, name+BackupSuffix, v)
	if berr == nil {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(berr, fs.ErrNotExist) {
		err = berr
	}
	return fmt.Errorf("durable: read %s: %w", name, err)
}

func load(fsys FS, name string, v any) error {
	data, err := fsys.ReadFile(name)
	if err != nil {
		return err
	}
	var sum uint32
	var n int
	line, body, ok := strings.Cut(string(data), "\n")
	if _, err := fmt.Sscanf(line+"\n", header, &sum, &n); err != nil || !ok || n < 0 || len(body) != n+1 || Checksum([]byte(body[:n])) != sum {
		return ErrDamaged
	}
	if err := json.Unmarshal([]byte(body[:n]), v); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// Erase overwrites a file with zeros before it removes it, so that no byte of
// a secret stays in the file's blocks. (Flash storage may keep old blocks all
// the same; only an encrypted partition helps against that.) A file that does
// not exist is no error.
func Erase(fsys FS, name string) error {
	old, err := fsys.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		f, err := fsys.Append(name)
		if err != nil {
			return fmt.Errorf("durable: erase %s: %w", name, err)
		}
		if w, ok := f.(interface{ Zero(n int) error }); ok {
			err = w.Zero(len(old))
		}
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("durable: erase %s: %w", name, err)
		}
	}
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("durable: erase %s: %w", name, err)
	}
	return fsys.SyncDir()
}
