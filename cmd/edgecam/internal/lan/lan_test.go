package lan

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loopback stands for the local network: nothing leaves this machine.
func loopback() ([]net.Interface, string) { return up(net.FlagLoopback, 0) }

func search(t *testing.T, d time.Duration) []Found {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	ifaces, _ := loopback()
	found, err := find(ctx, ifaces)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestAnnounceAndFind: a node is found with what it says, one whose network
// comes later too, and not after its end.
func TestAnnounceAndFind(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{}, 2)
	looks := 0
	late := func() ([]net.Interface, string) {
		if looks++; looks < 3 {
			return nil, ""
		}
		return loopback()
	}
	log := slog.New(slog.DiscardHandler)
	go func() {
		announce(ctx, Node{Name: "Front door. 1", Host: "door-1", Port: 8443, TLS: true, Version: "v1.2.3", Board: "rpi5"}, log, loopback, time.Hour)
		ended <- struct{}{}
	}()
	go func() {
		announce(ctx, Node{Name: "Garden", Host: "door-2", Port: 8080, Version: "v1.2.3", Board: "rpi4"}, log, late, 100*time.Millisecond)
		ended <- struct{}{}
	}()
	var found []Found
	for range 5 {
		if found = search(t, 2*time.Second); len(found) == 2 {
			break
		}
	}
	if len(found) != 2 {
		t.Fatalf("found %+v, want two nodes", found)
	}
	f := found[0]
	if f.Name != "Front door. 1" || f.Host != "door-1.local" || f.Port != 8443 || f.Version != "v1.2.3" || f.Board != "rpi5" ||
		!f.Addr.IsLoopback() || !strings.HasPrefix(f.URL, "https://") || !strings.HasSuffix(f.URL, ":8443/") {
		t.Errorf("first: %+v", f)
	}
	if g := found[1]; g.Name != "Garden" || !strings.HasPrefix(g.URL, "http://") {
		t.Errorf("second: %+v", g)
	}
	stop()
	<-ended
	<-ended
	if found := search(t, 1500*time.Millisecond); len(found) != 0 {
		t.Errorf("after the end: %+v", found)
	}
}

// TestNetworkComesAndGoes: an interface that does not work yet is tried again
// though nothing about it has changed, and where the last one goes the node is
// silent.
func TestNetworkComesAndGoes(t *testing.T) {
	var mu sync.Mutex
	state := "not working"
	set := func(to string) {
		mu.Lock()
		state = to
		mu.Unlock()
	}
	networks := func() ([]net.Interface, string) {
		mu.Lock()
		defer mu.Unlock()
		switch ifaces, _ := loopback(); state {
		case "works":
			return ifaces, "lo"
		case "gone":
			return nil, ""
		}
		return []net.Interface{{Index: 1 << 20, Name: "none", MTU: 1500, Flags: net.FlagUp | net.FlagMulticast}}, "lo"
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	var log bytes.Buffer
	go func() {
		defer close(ended)
		announce(ctx, Node{Name: "Cellar", Host: "cellar", Port: 8443}, slog.New(slog.NewTextHandler(&log, nil)), networks, 50*time.Millisecond)
	}()
	time.Sleep(time.Second)
	set("works")
	seen := func() bool { return len(search(t, 1500*time.Millisecond)) == 1 }
	for range 5 {
		if seen() {
			break
		}
	}
	if !seen() {
		t.Error("not found though the interface works now")
	}
	set("gone")
	time.Sleep(time.Second)
	if seen() {
		t.Error("found without an interface")
	}
	stop()
	<-ended
	if n := strings.Count(log.String(), "not announced"); n != 2 {
		t.Errorf("%d messages for two kinds of trouble:\n%s", n, &log)
	}
}

func TestNoNetwork(t *testing.T) {
	if _, err := find(t.Context(), nil); err != ErrNoNetwork {
		t.Fatalf("error %v", err)
	}
}

func TestLabels(t *testing.T) {
	for in, want := range map[string]string{
		"": "edgecam", "Tür\x00\n": "Tür", "\xff": "edgecam", strings.Repeat("é", 40): strings.Repeat("é", 31),
	} {
		if got := label(in); got != want {
			t.Errorf("label(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"": "edgecam", "Front Door": "frontdoor", "door.example.org": "door", "-x-": "x", strings.Repeat("a", 80): strings.Repeat("a", 63),
	} {
		if got := host(in); got != want {
			t.Errorf("host(%q) = %q, want %q", in, got, want)
		}
	}
}
