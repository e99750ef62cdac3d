package browser_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/testdata"
	"github.com/edgecam/edgecam/test/netlab"
)

// TestMove takes the viewer's machine from its cable to another network while the
// page shows the picture: Chromium and the node are in network namespaces, and the
// page is not loaded anew.
func TestMove(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node and a browser")
	}
	tl := findTools(t)
	lab, err := netlab.NewNATLab(t.Context(), netlab.NoNAT, netlab.NoNAT)
	if errors.Is(err, netlab.ErrNamespaces) {
		testdata.Missing(t, "%v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := lab.WithoutIPv6(); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, true, "HTTP_HTTPS_LISTEN=:8443", "HTTP_LISTEN=:8080")
	n.URL, n.apart = "https://"+netlab.HostAAddr+":8443", true
	inside := lab.Command(t.Context(), netlab.HostA, n.bin, n.args...)
	n.bin, n.args = inside.Path, inside.Args[1:]
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ownerLink.FindString(n.output()) == "" && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	// The script drives the browser by a pipe, which does not mind namespaces.
	browser := lab.Command(t.Context(), netlab.HostB, tl.chromium)
	wrapper := filepath.Join(t.TempDir(), "chromium")
	script := "#!/bin/sh\nexec"
	for _, a := range append([]string{browser.Path}, browser.Args[1:]...) {
		script += " '" + a + "'"
	}
	if err := os.WriteFile(wrapper, []byte(script+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tl.chromium = wrapper
	tl.run(t, "move", map[string]any{"url": n.URL, "secret": n.ownerSecret(t)}, func(ask string) error {
		switch ask {
		case "pull":
			return lab.Unplug(netlab.HostB)
		case "plug":
			return lab.Join(netlab.HostB)
		case "return":
			return lab.Return(netlab.HostB)
		}
		return fmt.Errorf("unknown request %q", ask)
	})
}
