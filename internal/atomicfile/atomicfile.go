// Package atomicfile replaces small files so that a power cut at any moment
// leaves either the old content or the new, never a mixture. A node loses its
// power without warning; settings and secrets must survive that.
//
// A write goes to a temporary file in the same folder, is synced, becomes the
// file by rename, and the folder is synced. The content before the last write
// stays beside it as a link with the suffix ".bak"; [Read] falls back to it
// when the caller's check finds the file damaged.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// BackupSuffix is appended to a file's name to make that of its last good
// predecessor.
const BackupSuffix = ".bak"

// MaxSize is the largest file that Read takes: state files are small, and a
// damaged one must not fill the memory.
const MaxSize = 4 << 20

// Write replaces the file at path by data with the given permission bits. The
// folder must exist. On an error the old content is still there.
func Write(path string, data []byte, perm fs.FileMode) error {
	return write(path, data, perm, func(step) error { return nil })
}

// step names a moment in Write, for tests that stop there as a power cut would.
type step int

const (
	stepCreated step = iota
	stepHalfWritten
	stepSynced
	stepBackedUp
	stepRenamed
)

func write(path string, data []byte, perm fs.FileMode, at func(step) error) (err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".tmp*")
	if err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	renamed := false
	defer func() {
		tmp.Close()
		if !renamed && !errors.Is(err, errCut) {
			os.Remove(tmp.Name())
		}
		if err != nil {
			err = fmt.Errorf("atomicfile: write %s: %w", path, err)
		}
	}()
	if err := tmp.Chmod(perm.Perm()); err != nil {
		return err
	}
	if err := at(stepCreated); err != nil {
		return err
	}
	half := len(data) / 2
	if _, err := tmp.Write(data[:half]); err != nil {
		return err
	}
	if err := at(stepHalfWritten); err != nil {
		return err
	}
	if _, err := tmp.Write(data[half:]); err != nil {
		return err
	}
	// Without this sync the rename may reach the disk before the content does.
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := at(stepSynced); err != nil {
		return err
	}
	if err := backup(path); err != nil {
		return err
	}
	if err := at(stepBackedUp); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	renamed = true
	if err := at(stepRenamed); err != nil {
		return err
	}
	return syncDir(dir)
}

// errCut makes a test's interruption leave the temporary file behind, as a
// power cut does.
var errCut = errors.New("interrupted")

// backup makes path.bak the present content of path, without a moment at which
// neither exists.
func backup(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	link := path + BackupSuffix + ".new"
	os.Remove(link)
	if err := os.Link(path, link); err != nil {
		// Some file systems (FAT) have no links: copy instead.
		data, rerr := os.ReadFile(path)
		if rerr != nil {
			return rerr
		}
		if werr := os.WriteFile(link, data, 0o600); werr != nil {
			return werr
		}
	}
	return os.Rename(link, path+BackupSuffix)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Read returns the content of path that check accepts: the file itself or, if
// it is damaged or missing, its backup, in which case recovered is true. If
// neither exists the error wraps fs.ErrNotExist. A nil check accepts anything.
func Read(path string, check func([]byte) error) (data []byte, recovered bool, err error) {
	data, err = readChecked(path, check)
	if err == nil {
		return data, false, nil
	}
	backup, berr := readChecked(path+BackupSuffix, check)
	if berr == nil {
		return backup, true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(berr, fs.ErrNotExist) {
		return nil, false, fmt.Errorf("atomicfile: %w", err)
	}
	return nil, false, fmt.Errorf("atomicfile: %w", berr)
}

func readChecked(path string, check func([]byte) error) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if info.Size() > MaxSize {
		return nil, fmt.Errorf("%s is %d bytes long, more than the %d a state file may have", path, info.Size(), MaxSize)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if check != nil {
		if err := check(data); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return data, nil
}
