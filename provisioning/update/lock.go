package update

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Lock keeps other programs from installing into a folder until release is
// called. A power cut releases it too.
func Lock(dir string) (release func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &Error{CodeState, err}
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, &Error{CodeBusy, fmt.Errorf("another update is under way: %w", err)}
	}
	return f.Close, nil
}
