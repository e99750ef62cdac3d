package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/update/slot"
)

// TestHomeAssistantAndTrial runs the real node with simulated devices beside a
// mosquitto, as a program on trial: Home Assistant's end sees it, gets a
// picture, opens the door; the program proves itself.
func TestHomeAssistantAndTrial(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a whole node")
	}
	const bin = "/usr/sbin/mosquitto"
	if _, err := os.Stat(bin); err != nil {
		if os.Getenv("EDGECAM_CI") == "1" {
			t.Fatal("mosquitto is not installed; scripts/setup test installs it")
		}
		t.Skip("mosquitto is not installed; scripts/setup test installs it")
	}
	dir, port := t.TempDir(), freePort(t)
	conf := filepath.Join(dir, "mosquitto.conf")
	must(t, os.WriteFile(conf, fmt.Appendf(nil, "listener %d 127.0.0.1\nallow_anonymous true\nuser root\n", port), 0o600))
	mosquitto := exec.Command(bin, "-c", conf)
	must(t, mosquitto.Start())
	defer func() { mosquitto.Process.Kill(); mosquitto.Wait() }()
	within(t, "mosquitto listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})

	// A program on trial in slot a.
	slots, err := durable.OpenDir(filepath.Join(dir, "state", slot.Folder))
	must(t, err)
	must(t, slot.Write(slots, slot.State{Current: slot.Installed}.Begin(slot.A, slot.Program{Version: "v9", Index: 4}, "cmd", "")))
	t.Setenv(slot.DirVariable, slots.Path())
	t.Setenv(slot.NameVariable, slot.A)

	var mu sync.Mutex
	got := map[string][]string{}
	seen := func(topic string) []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(got[topic]) }
	e := client.Endpoint{Broker: fmt.Sprintf("mqtt://127.0.0.1:%d", port), Insecure: true, ClientID: "home", Filters: []string{"homeassistant/#", "ec1/#"}}
	up := make(chan struct{}, 8)
	home := client.New(client.Options{
		Endpoint: func(context.Context) (client.Endpoint, error) { return e, nil },
		Up:       func(context.Context, client.Endpoint) error { up <- struct{}{}; return nil },
		Handle: func(m client.Received) {
			mu.Lock()
			defer mu.Unlock()
			got[m.Topic] = append(got[m.Topic], string(m.Payload))
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { home.Run(ctx) })
	<-up

	file := filepath.Join(dir, "edgecam.yaml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `
camera: {source: sim}
microphone: {enabled: false}
speaker: {enabled: false}
http: {listen: "127.0.0.1:0", https_listen: ""}
webrtc: {udp_port: 0, ice_tcp: false}
fleet: {serial: %q}
home_assistant: {enabled: true, broker: "mqtt://127.0.0.1:%d", lock: true, pictures: true}
`, testSerial, port), 0o600))
	load := func([]byte) (*config.Loaded, error) {
		l, err := config.Load(config.Sources{Path: file})
		if err == nil {
			l.StateDir = filepath.Join(dir, "state")
		}
		return l, err
	}
	first, err := load(nil)
	must(t, err)
	var log lockedBuffer
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, cli.RunOptions{Config: first.Config, Load: load, Stdout: io.Discard, Log: slog.New(slog.NewTextHandler(&log, nil))})
	}()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	}()

	const upTopic, down = "ec1/d/" + testID + "/up/ha/", "ec1/d/" + testID + "/dn/ha/"
	within(t, "the description", func() bool { return len(seen("homeassistant/device/"+testID+"/config")) > 0 })
	within(t, "the node is available", func() bool { return slices.Contains(seen(upTopic+"avty"), "online") })
	send := func(topic, payload string) {
		t.Helper()
		wait, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		must(t, home.Publish(wait, client.Message{Topic: topic, Payload: []byte(payload), QoS: 1}))
	}
	send(down+"snap", "PRESS")
	within(t, "a picture", func() bool {
		p := seen(upTopic + "snap")
		return len(p) > 0 && strings.HasPrefix(p[0], "\xff\xd8")
	})
	send(down+"lock", "UNLOCK")
	within(t, "the door's states", func() bool {
		return slices.Equal(seen(upTopic+"lock"), []string{"LOCKED", "UNLOCKING", "UNLOCKED", "LOCKED"})
	})
	within(t, "the program on trial has proved itself", func() bool {
		s, err := slot.Read(slots)
		return err == nil && s.Current == slot.A && s.Index == 4 && s.Last != nil && s.Last.State == slot.Confirmed && s.Last.Told
	})
}
