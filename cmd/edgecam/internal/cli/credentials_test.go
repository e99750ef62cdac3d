package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"edgecam.fleet.owner_secret": "from the manager\n",
		"edgecam.log.level":          "debug",
		"other":                      "not ours",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"CREDENTIALS_DIRECTORY=" + dir, "EDGECAM_LOG_LEVEL=warn"}
	got, err := withCredentials(environ)
	want := append(slices.Clone(environ), "EDGECAM_FLEET_OWNER_SECRET=from the manager")
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	// What the configuration then says.
	a := &app{streams: Streams{Environ: environ, Err: os.Stderr}}
	l, _, _, _, err := a.load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.Fleet.OwnerSecret != "from the manager" || l.Log.Level != "warn" {
		t.Errorf("owner secret %q, log level %q", l.Fleet.OwnerSecret, l.Log.Level)
	}
	for _, environ := range [][]string{nil, {"CREDENTIALS_DIRECTORY=" + dir + "/gone"}} {
		if got, err := withCredentials(environ); err != nil || len(got) != len(environ) {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "edgecam.node.name"), []byte(strings.Repeat("x", maxCredential+1)), 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := withCredentials(environ); err == nil {
		t.Error("a credential of any length is taken")
	}
}
