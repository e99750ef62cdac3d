package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// SystemStateDir is where a node that runs as a service keeps its secrets.
const SystemStateDir = "/var/lib/edgecam"

// ResolveStateDir makes the folder for secrets and certificates, readable by
// its owner only, and returns its path: the one configured; else the one that
// the service manager made (STATE_DIRECTORY); else SystemStateDir if it can be
// written; else the user's own state folder.
func (c *Config) ResolveStateDir() (string, error) {
	if c.StateDir != "" {
		return usable(c.StateDir)
	}
	if dir := os.Getenv("STATE_DIRECTORY"); filepath.IsAbs(dir) {
		return usable(dir)
	}
	system, serr := usable(SystemStateDir)
	if serr == nil {
		return system, nil
	}
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("config: no folder for the node's state: %w", errors.Join(serr, err))
		}
		base = filepath.Join(home, ".local", "state")
	}
	return usable(filepath.Join(base, "edgecam"))
}

// usable makes dir if need be and proves that files can be made in it.
func usable(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("config: state_dir: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("config: state_dir: %w", err)
	}
	f, err := os.CreateTemp(dir, ".probe*")
	if err != nil {
		return "", fmt.Errorf("config: state_dir %s cannot be written; set state_dir to a folder that can: %w", dir, err)
	}
	f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return "", fmt.Errorf("config: state_dir: %w", err)
	}
	return dir, nil
}
