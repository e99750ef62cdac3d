package updatecmd

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/update"
)

// TestMakerToNode makes a key, signs a release, serves it over HTTPS, and
// installs it as a node does.
func TestMakerToNode(t *testing.T) {
	dir := t.TempDir()
	server := httptest.NewTLSServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	roots := filepath.Join(dir, "roots.pem")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	t.Setenv("SSL_CERT_FILE", roots)

	var public, manifest, out bytes.Buffer
	key := filepath.Join(dir, "release.key")
	must(Keygen(key, &public))
	if err := Keygen(key, &public); err == nil {
		t.Error("a key was overwritten")
	}
	program := filepath.Join(dir, "edgecam-new")
	must(os.WriteFile(program, []byte("a new program"), 0o600))
	r := Release{Version: "v2.0.0", Index: 3, Valid: time.Hour, Programs: []string{runtime.GOARCH + ":Test board=" + program}}
	must(Sign(r, key, &manifest))
	must(os.WriteFile(filepath.Join(dir, "manifest.json"), manifest.Bytes(), 0o600))

	target := Target{StateDir: filepath.Join(dir, "state"), Board: "Test board 2", Installed: program}
	from := server.URL + "/manifest.json"
	if err := Apply(t.Context(), target, from, false, &out); err == nil || !strings.Contains(err.Error(), "update.keys") {
		t.Errorf("without a key: %v", err)
	}
	target.Keys = []string{strings.TrimSpace(public.String())}
	target.Board = "Another"
	if err := Apply(t.Context(), target, from, false, &out); update.CodeOf(err) != update.CodeBoard {
		t.Errorf("another board: %v", err)
	}
	target.Board = "Test board 2"
	must(Apply(t.Context(), target, from, false, &out))
	out.Reset()
	must(Status(target, false, &out))
	if !strings.Contains(out.String(), "slot a: version v2.0.0, index 3, 13 bytes, on trial") {
		t.Errorf("%s", out.String())
	}
	if err := Sign(Release{Version: "v2", Programs: []string{"arm64"}}, key, &out); err == nil {
		t.Error("a program without a file was signed")
	}
}
