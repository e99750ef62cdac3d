package fleet

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/authority"
	tool "github.com/edgecam/edgecam/provisioning/fleet"
)

// listen collects what nodes send beside answers, as whoever runs the broker
// sees it.
func (h *house) listen() func() [][]byte {
	h.t.Helper()
	root, err := os.ReadFile(filepath.Join(h.authority(), authority.RootCert))
	must(h.t, err)
	var site struct{ Broker string }
	data, err := os.ReadFile(filepath.Join(h.authority(), authority.SiteFile))
	must(h.t, err)
	must(h.t, json.Unmarshal(data, &site))
	endpoint, err := authority.ServiceEndpoint(h.authority(), acl.Operator, string(root), site.Broker)
	must(h.t, err)
	var mu sync.Mutex
	var blobs [][]byte
	op := tool.New(tool.Options{Endpoint: endpoint, ClientID: "operator-listens", OnBlob: func(_, _ string, data []byte) {
		mu.Lock()
		defer mu.Unlock()
		blobs = append(blobs, bytes.Clone(data))
	}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); op.Run(ctx) }()
	h.t.Cleanup(func() { cancel(); <-done })
	ready, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	must(h.t, op.Ready(ready, 0))
	return func() [][]byte {
		mu.Lock()
		defer mu.Unlock()
		return blobs
	}
}

func (h *house) online() {
	h.t.Helper()
	within(h.t, time.Minute, "the node is online", func() bool { n := h.node(); return n.Online && n.Birth.Session > 0 })
}

// isPicture reports whether some bytes are a picture that anybody can see.
func isPicture(data []byte) bool {
	_, err := jpeg.Decode(bytes.NewReader(data))
	return err == nil
}

// TestPictures: a picture that the fleet's tool asks for crosses the broker
// sealed, and opens with the owner's key alone; a site that says so gets it
// plain.
func TestPictures(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs whole programs")
	}
	edgecam := build(t, "edgecam", installedVersion)
	file := filepath.Join(t.TempDir(), "door.jpg")
	snapshot := func(h *house, more ...string) error {
		_, err := h.tool(append([]string{"fleet", "--dir", h.authority(), "command", nodeID, "snapshot", "--output", file}, more...)...)
		return err
	}
	seen := func(h *house) {
		t.Helper()
		data, err := os.ReadFile(file)
		must(t, err)
		must(t, os.Remove(file))
		if !isPicture(data) {
			t.Errorf("%d bytes are no picture", len(data))
		}
	}

	h := newHouse(t, edgecam)
	wire := h.listen()
	owner := filepath.Join(h.dir, "somebody.key")
	public := strings.TrimSpace(h.mustTool("authority", "owner-key", owner))
	if again := strings.TrimSpace(h.mustTool("authority", "owner-key", owner)); again != public {
		t.Errorf("the key was made anew: %s, then %s", public, again)
	}
	config := h.configure(filepath.Join(h.dir, "state"), "")
	node := startStation(t, filepath.Join(h.dir, "state"), nil, edgecam, "run", "--config", config)
	h.online()
	must(t, snapshot(h))
	seen(h)
	if err := snapshot(h, "--owner-key", owner); err == nil || !strings.Contains(err.Error(), "sealed for the owner's key") {
		t.Errorf("with somebody else's key: %v", err)
	}
	must(t, os.Rename(filepath.Join(h.authority(), authority.OwnerKey), filepath.Join(h.dir, "elsewhere.key")))
	if err := snapshot(h); err == nil || !strings.Contains(err.Error(), "--owner-key") {
		t.Errorf("without a key: %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("something was written all the same")
	}

	// An owner of its own: the fleet's key opens nothing.
	if _, err := base64.StdEncoding.DecodeString(public); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(config)
	must(t, err)
	must(t, os.WriteFile(config, bytes.Replace(text, []byte("owner_secret"), []byte("owner_key: "+public+", owner_secret"), 1), 0o600))
	before := h.node().Birth.Session
	node.kill()
	within(t, time.Minute, "the node is back", func() bool { n := h.node(); return n.Online && n.Birth.Session > before })
	must(t, snapshot(h, "--owner-key", owner))
	seen(h)
	if err := snapshot(h, "--owner-key", filepath.Join(h.dir, "elsewhere.key")); err == nil {
		t.Error("the fleet's key opens an owner's picture")
	}
	// The broker serves its clients one after the other: the listener may be last.
	within(t, 10*time.Second, "five pictures have crossed the broker", func() bool { return len(wire()) >= 5 })
	blobs := wire()
	if len(blobs) != 5 {
		t.Errorf("%d pictures crossed the broker, want 5", len(blobs))
	}
	for _, b := range blobs {
		if isPicture(b) || bytes.Contains(b, []byte("JFIF")) || len(b) < 1000 {
			t.Errorf("what crosses the broker shows a picture (%d bytes)", len(b))
		}
	}

	plain := newHouse(t, edgecam, "--plain-pictures")
	wire = plain.listen()
	state := filepath.Join(plain.dir, "state")
	startStation(t, state, nil, edgecam, "run", "--config", plain.configure(state, ""))
	plain.online()
	must(t, snapshot(plain))
	seen(plain)
	within(t, 10*time.Second, "a picture has crossed the broker", func() bool { return len(wire()) >= 1 })
	if blobs := wire(); len(blobs) != 1 || !isPicture(blobs[0]) {
		t.Error("a site with plain pictures gets something else")
	}
}
