package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
)

// credentialPrefix begins the names of the credentials that hold a value of
// the configuration: edgecam.fleet.owner_secret is fleet.owner_secret.
const credentialPrefix = "edgecam."

const maxCredential = 4096

// withCredentials returns environ with the values that the service manager
// hands over as files in CREDENTIALS_DIRECTORY, as variables. Unlike those
// they are not seen by other processes nor kept in the unit. A variable that
// is set has precedence.
func withCredentials(environ []string) ([]string, error) {
	dir := lookup(environ, "CREDENTIALS_DIRECTORY")
	if dir == "" {
		return environ, nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return environ, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cli: credentials: %w", err)
	}
	out := environ
	for _, e := range entries {
		key, ok := strings.CutPrefix(e.Name(), credentialPrefix)
		name := config.EnvName(key)
		if !ok || lookup(environ, name) != "" {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("cli: credentials: %w", err)
		}
		if info.Size() > maxCredential {
			return nil, usageError{fmt.Errorf("cli: credential %s has %d bytes, the limit is %d", e.Name(), info.Size(), maxCredential)}
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("cli: credentials: %w", err)
		}
		out = append(out[:len(out):len(out)], name+"="+strings.TrimRight(string(text), "\r\n"))
	}
	return out, nil
}
