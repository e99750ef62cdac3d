package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/provisioning/authority"
)

// TestTURNRoots reads the file of authorities, and says what is wrong with it.
func TestTURNRoots(t *testing.T) {
	if pool, err := turnRoots(""); pool != nil || err != nil {
		t.Errorf("no file: %v, %v", pool, err)
	}
	site := newFleetSite(t)
	if pool, err := turnRoots(filepath.Join(site.authDir, authority.RootCert)); err != nil || pool == nil {
		t.Errorf("an authority: %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	must(t, os.WriteFile(empty, []byte("nothing"), 0o600))
	for _, file := range []string{empty, empty + "x"} {
		if _, err := turnRoots(file); err == nil || !strings.Contains(err.Error(), "webrtc.turn_ca_file") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
