package homeassistant

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/broker"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "ec-10000000abcdef01"

var fast = client.Backoff{First: 20 * time.Millisecond, Most: 200 * time.Millisecond, Least: 5 * time.Millisecond}

// house is a broker and how a node and Home Assistant reach it.
type house struct{ node, home client.Endpoint }

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// embedded is edgecam's own broker: certificates and access rules.
func embedded(t *testing.T) house {
	t.Helper()
	must := func(s pki.Signer, err error) pki.Signer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	now := time.Now()
	root := must(pki.NewRoot("test", now))
	server := must(root.NewServer([]string{"127.0.0.1"}, now))
	pool, err := pki.Pool(pki.EncodeCert(root.Cert))
	if err != nil {
		t.Fatal(err)
	}
	pair := func(s pki.Signer) tls.Certificate {
		return tls.Certificate{Certificate: [][]byte{s.Cert.Raw}, PrivateKey: s.Key, Leaf: s.Cert}
	}
	cert := pair(server)
	b, err := broker.Start(broker.Options{
		Listen: "127.0.0.1:0", Clients: pool, FS: durable.NewMemory(), Cert: func() (*tls.Certificate, error) { return &cert, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	end := func(cn string) client.Endpoint {
		c := pair(must(root.NewClient(cn, now, time.Hour)))
		return client.Endpoint{Broker: "tls://" + b.Addr(), TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{c}}}
	}
	return house{end(id), end(acl.Home)}
}

// mosquitto is the broker that most homes have: a name and a password.
func mosquitto(t *testing.T) house {
	t.Helper()
	bin := "/usr/sbin/mosquitto"
	tool, err := exec.LookPath("mosquitto_passwd")
	if _, serr := os.Stat(bin); serr != nil || err != nil {
		if os.Getenv("EDGECAM_CI") == "1" {
			t.Fatal("mosquitto is not installed; scripts/setup test installs it")
		}
		t.Skip("mosquitto is not installed; scripts/setup test installs it")
	}
	dir, port := t.TempDir(), freePort(t)
	passwords := filepath.Join(dir, "passwords")
	for i, name := range []string{"door", "home"} {
		args := []string{"-b", passwords, name, "secret-" + name}
		if i == 0 {
			args = append([]string{"-c"}, args...)
		}
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	conf := filepath.Join(dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %d 127.0.0.1\npassword_file %s\nallow_anonymous false\nuser root\n", port, passwords)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(bin, "-c", conf)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("mosquitto does not listen")
		}
	}
	end := func(name string) client.Endpoint {
		return client.Endpoint{Broker: "mqtt://" + addr, Insecure: true, Username: name, Password: "secret-" + name}
	}
	return house{end("door"), end("home")}
}

// home is Home Assistant's end: it keeps what came, by topic.
type home struct {
	*client.Client
	mu       sync.Mutex
	live     map[string][]string
	retained map[string]string
}

func newHome(t *testing.T, e client.Endpoint, name string) *home {
	t.Helper()
	h := &home{live: map[string][]string{}, retained: map[string]string{}}
	up := make(chan struct{}, 8)
	e.ClientID, e.Filters = "homeassistant-"+name, []string{"homeassistant/#", "ec1/d/+/up/ha/#"}
	h.Client = client.New(client.Options{
		Endpoint: func(context.Context) (client.Endpoint, error) { return e, nil }, Backoff: fast,
		Up: func(context.Context, client.Endpoint) error { up <- struct{}{}; return nil },
		Handle: func(m client.Received) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if m.Retained {
				h.retained[m.Topic] = string(m.Payload)
			} else {
				h.live[m.Topic] = append(h.live[m.Topic], string(m.Payload))
			}
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case <-up:
	case <-time.After(20 * time.Second):
		t.Fatal("home assistant's end does not connect")
	}
	return h
}

func (h *home) got(topic string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.live[topic])
}

func (h *home) send(t *testing.T, topic, payload string, retain bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.Publish(ctx, client.Message{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: retain}); err != nil {
		t.Fatal(err)
	}
}

func within(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// door is a node's part.
type door struct {
	mu           sync.Mutex
	opened, test int
	bridge       *Bridge
}

func (d *door) openings() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened
}

func (d *door) options(e client.Endpoint, fsys durable.FS, lock bool) Options {
	return Options{
		Device:   Device{ID: id, Name: "Front door", Model: "Raspberry Pi 4", Serial: "10000000abcdef01", Software: "v0.4.1", Lock: lock, Camera: true},
		Endpoint: func(context.Context) (client.Endpoint, error) { return e, nil },
		FS:       fsys, Jitter: 20 * time.Millisecond, Pulse: 30 * time.Millisecond, Backoff: fast,
		Snapshot: func(context.Context) ([]byte, error) { return []byte("\xff\xd8 taken"), nil },
		RingTest: func() { d.mu.Lock(); d.test++; d.mu.Unlock() },
		OpenDoor: func(context.Context) error {
			d.mu.Lock()
			d.opened++
			refuse := d.opened > 1
			d.mu.Unlock()
			if refuse {
				return errors.New("the relay does not answer")
			}
			d.bridge.Opened()
			return nil
		},
		Telemetry: func() map[string]any { return map[string]any{"uptime_s": 5, "viewers": 1, "camera": true} },
		Update:    func() UpdateState { return UpdateState{Installed: "v0.4.1", Latest: "v0.4.1"} },
	}
}

func (d *door) start(t *testing.T, o Options) func() {
	t.Helper()
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	d.bridge = b
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	return func() { cancel(); <-done }
}

func TestEmbedded(t *testing.T)  { life(t, embedded(t)) }
func TestMosquitto(t *testing.T) { life(t, mosquitto(t)) }

const (
	config = "homeassistant/device/" + id + "/config"
	up     = "ec1/d/" + id + "/up/ha/"
	down   = "ec1/d/" + id + "/dn/ha/"
)

// life is the whole of it: announced, rung, opened, announced again, without
// its lock, and removed.
func life(t *testing.T, h house) {
	ha := newHome(t, h.home, "core")
	fsys := durable.NewMemory()
	d := &door{}
	stop := d.start(t, d.options(h.node, fsys, true))
	within(t, "the description", func() bool { return len(ha.got(config)) == 1 })
	var doc struct {
		Device     struct{ IDs []string } `json:"dev"`
		Origin     struct{ Name string }  `json:"o"`
		Components map[string]struct {
			Platform string   `json:"p"`
			ID       string   `json:"uniq_id"`
			Class    string   `json:"dev_cla"`
			Types    []string `json:"evt_typ"`
		} `json:"cmps"`
	}
	if err := json.Unmarshal([]byte(ha.got(config)[0]), &doc); err != nil {
		t.Fatal(err)
	}
	ring := doc.Components["ring"]
	if doc.Device.IDs[0] != id || doc.Origin.Name != "edgecam" || ring.Platform != "event" || ring.Class != "doorbell" || !slices.Contains(ring.Types, "ring") {
		t.Errorf("%+v", doc)
	}
	seen := map[string]bool{}
	for name, c := range doc.Components {
		if c.Platform == "" || c.Platform != "device_automation" && (c.ID == "" || seen[c.ID]) {
			t.Errorf("component %s: %+v", name, c)
		}
		seen[c.ID] = true
	}
	within(t, "availability and state of the lock", func() bool {
		return slices.Contains(ha.got(up+"avty"), "online") && slices.Contains(ha.got(up+"lock"), "LOCKED") && len(ha.got(up+"tel")) > 0 && len(ha.got(up+"upd")) > 0
	})

	d.bridge.Ring()
	d.bridge.Motion()
	d.bridge.Picture([]byte("\xff\xd8 who rings"))
	within(t, "ring, motion and picture", func() bool {
		return len(ha.got(up+"ring")) == 1 && len(ha.got(up+"motion")) == 1 && len(ha.got(up+"snap")) == 1
	})
	if r := ha.got(up + "ring")[0]; !strings.Contains(r, `"event_type":"ring"`) {
		t.Errorf("ring %s", r)
	}
	ha.send(t, down+"snap", "PRESS", false)
	ha.send(t, down+"ring", "PRESS", false)
	within(t, "a picture and a test ring", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(ha.got(up+"snap")) == 2 && d.test == 1
	})
	ha.send(t, down+"lock", "UNLOCK", false)
	within(t, "the door's states", func() bool {
		return slices.Equal(ha.got(up+"lock"), []string{"LOCKED", "UNLOCKING", "UNLOCKED", "LOCKED"})
	})
	ha.send(t, down+"lock", "UNLOCK", false)
	within(t, "a door that does not open stays locked", func() bool {
		l := ha.got(up + "lock")
		return len(l) == 6 && l[4] == "UNLOCKING" && l[5] == "LOCKED"
	})

	// Home Assistant starts: announced again, with the last picture.
	ha.send(t, "homeassistant/status", "online", false)
	within(t, "the second description", func() bool { return len(ha.got(config)) == 2 && len(ha.got(up+"snap")) == 3 })

	// A lost command that somebody retained opens nothing.
	stop()
	within(t, "offline", func() bool { return slices.Contains(ha.got(up+"avty"), "offline") })
	ha.send(t, down+"lock", "UNLOCK", true)
	// A broker may acknowledge before it passes a message on, but takes a
	// client's messages in turn: after this one, the first is only retained.
	ha.send(t, "homeassistant/status", "offline", false)
	stop = d.start(t, d.options(h.node, fsys, true))
	within(t, "the third description", func() bool { return len(ha.got(config)) == 3 })
	ha.send(t, down+"ring", "PRESS", false)
	within(t, "a later command", func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.test == 2 })
	if n := d.openings(); n != 2 {
		t.Errorf("a retained command opened the door (%d)", n)
	}
	ha.send(t, down+"lock", "", true)
	stop()

	// Without the lock: it is removed by its platform, then left out.
	stop = d.start(t, d.options(h.node, fsys, false))
	within(t, "the fifth description", func() bool { return len(ha.got(config)) == 5 })
	c := ha.got(config)
	if !strings.Contains(c[3], `"lock":{"p":"lock"}`) || strings.Contains(c[4], `"lock"`) {
		t.Errorf("lock not removed:\n%s\n%s", c[3], c[4])
	}
	ha.send(t, down+"lock", "UNLOCK", false)
	ha.send(t, down+"ring", "PRESS", false)
	within(t, "a command after it", func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.test == 3 })
	if d.openings() != 2 {
		t.Error("the door was opened without the lock being announced")
	}
	stop()

	// Removal leaves nothing at the broker, and nothing on the disk.
	if !Announced(fsys) {
		t.Error("not known to be announced")
	}
	b, err := New(d.options(h.node, fsys, false))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := b.Remove(ctx); err != nil {
		t.Fatal(err)
	}
	if Announced(fsys) {
		t.Error("still known to be announced")
	}
	late := newHome(t, h.home, "late")
	late.send(t, "homeassistant/status", "probe", false)
	within(t, "what comes after all that is retained", func() bool { return len(late.got("homeassistant/status")) == 1 })
	late.mu.Lock()
	defer late.mu.Unlock()
	for topic, payload := range late.retained {
		t.Errorf("left at the broker: %s %q", topic, payload)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ prefix, id string }{{"home/assistant", id}, {"#", id}, {"", "x"}} {
		if _, err := New(Options{Prefix: c.prefix, Device: Device{ID: c.id}}); err == nil {
			t.Errorf("%q %q was taken", c.prefix, c.id)
		}
	}
}
