package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session/whip"
)

// mediamtx starts a MediaMTX, the program that EDGECAM_MEDIAMTX names, and returns
// the address of its WHIP and WHEP server and how to stop it.
func mediamtx(t *testing.T, port, udp int) (stop func()) {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "mediamtx.yml")
	text := fmt.Sprintf(`logLevel: warn
api: no
rtsp: no
rtmp: no
hls: no
srt: no
webrtcAddress: 127.0.0.1:%d
webrtcLocalUDPAddress: 127.0.0.1:%d
webrtcIPsFromInterfaces: no
webrtcAdditionalHosts: [127.0.0.1]
paths:
  all_others:
`, port, udp)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Getenv("EDGECAM_MEDIAMTX"), conf)
	log := testLog{t}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	eventually(t, 20*time.Second, "MediaMTX listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return stop
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// settle is how long the server looks at a new stream before it has it.
const settle = 2500 * time.Millisecond

// TestUplink publishes to a real MediaMTX: a viewer there decodes every picture,
// and when the server is restarted the node comes back by itself.
func TestUplink(t *testing.T) {
	if os.Getenv("EDGECAM_MEDIAMTX") == "" {
		t.Skip("EDGECAM_MEDIAMTX names no mediamtx (v1.12.3 is built from the Go module proxy)")
	}
	port, udp := freePort(t), freePort(t)
	stop := mediamtx(t, port, udp)
	b := start(t, nil)
	base := fmt.Sprintf("http://127.0.0.1:%d/door/", port)
	p, err := whip.New(b.engine.Sessions(), whip.Options{URL: base + "whip", Log: slog.New(slog.NewTextHandler(testLog{t}, nil)), Pause: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	defer func() { cancel(); <-done }()
	began := time.Now()
	eventually(t, 20*time.Second, "the uplink is live", p.Live)
	t.Logf("live after %v", time.Since(began).Round(time.Millisecond))
	time.Sleep(settle)
	v := join(t, base+"whep")
	v.watches("pictures through the server", 60, 30*time.Second)
	eventually(t, 20*time.Second, "sound through the server", func() bool { _, _, _, audio := v.seen(); return audio > 20 })
	if _, _, broken, _ := v.seen(); broken != 0 {
		t.Errorf("%d pictures could not be decoded", broken)
	}
	v.leave()
	stop()
	eventually(t, 40*time.Second, "the loss is noticed", func() bool { return !p.Live() })
	mediamtx(t, port, udp)
	began = time.Now()
	eventually(t, 40*time.Second, "the uplink is live again", p.Live)
	t.Logf("live again %v after the server", time.Since(began).Round(time.Millisecond))
	time.Sleep(settle)
	v = join(t, base+"whep")
	v.watches("pictures after the server's restart", 30, 30*time.Second)
	v.leave()
	cancel()
	<-done
	eventually(t, 5*time.Second, "nobody is left", func() bool { return b.engine.Sessions().Stats().Connected == 0 })
}
