package guest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// The two ends of the sound loop in TestNode: the node has loopOut, the test
// stands before it with loopIn. The viewer knows these frequencies too.
const (
	visitorHz = 440
	viewerHz  = 660
)

// nodeConfig is the whole node on the kernel's devices. What works against
// steady tones and test pictures is off.
const nodeConfig = `camera: {source: "v4l2:/dev/video0", width: 320, height: 180, fps: 10}
microphone: {source: "alsa:Loopback"}
speaker: {source: "alsa:Loopback"}
lines:
  button: {chip: edgecam-sim, offset: 0, active_low: false, bias: as-is}
  relay: {chip: edgecam-sim, offset: 2}
  relay_pulse_ms: 1000
audio: {echo_cancellation: false, noise_reduction: "off", gain_control: false, analog_gain: false}
enhance: {denoise: "off", tone: "off", deflicker: "off"}
http: {listen: "", https_listen: ":8443"}
webrtc: {udp_port: %s, public_ips: [127.0.0.1], voice_codecs: [g722]}
state_dir: /tmp/state
`

// TestNode runs the program itself, with a viewer outside of the machine
// (package viewer): picture and voice go out, the viewer's voice comes in, the
// bell rings, the camera is pulled out and plugged in again, and the door opens.
func TestNode(t *testing.T) {
	n := startNode(t)
	stand := standBefore(t)
	n.invite(t)

	stand.hears(t, viewerHz, 150*time.Second)
	drive(t, 0, true) // a short press
	time.Sleep(150 * time.Millisecond)
	drive(t, 0, false)
	time.Sleep(time.Second)
	plug := unbind(t, "vivid", "vivid.0")
	time.Sleep(4 * time.Second)
	plug()

	// The viewer opens the door once it sees the picture again.
	deadline := time.Now().Add(100 * time.Second)
	for !seen(t, relay) {
		if time.Now().After(deadline) {
			t.Fatal("the relay was not switched on")
		}
		time.Sleep(5 * time.Millisecond)
	}
	on := time.Now()
	for seen(t, relay) {
		if time.Since(on) > 5*time.Second {
			t.Fatal("the relay stays on")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if held := time.Since(on); held < 500*time.Millisecond || held > 3*time.Second {
		t.Errorf("the relay was on for %v, want a second", held)
	}
	n.logSplit(t)
}

// node is the program while it runs.
type node struct {
	cmd         *exec.Cmd
	start       time.Time
	token       string
	fingerprint chan string
}

// invite tells the viewer outside how the node is called.
func (n *node) invite(t *testing.T) {
	t.Helper()
	fmt.Printf("EDGECAM-NODE %s %s\n", n.await(t), n.token)
}

// startNode starts the program. At the end of the test it must end by itself when
// asked to.
func startNode(t *testing.T) *node {
	t.Helper()
	port := os.Getenv("NODE_PORT")
	if port == "" {
		t.Skip("the guest has no network: no viewer can come")
	}
	drive(t, 0, false)
	if err := os.WriteFile("/tmp/edgecam.yaml", fmt.Appendf(nil, nodeConfig, port), 0o600); err != nil {
		t.Fatal(err)
	}
	token, err := exec.CommandContext(t.Context(), "/bin/edgecam", "token", "create", "viewer", "--scopes=view,talk,open", "--config=/tmp/edgecam.yaml").Output()
	if err != nil {
		t.Fatalf("token: %v", err)
	}
	cmd := exec.Command("/bin/edgecam", "run", "--config=/tmp/edgecam.yaml")
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := &node{cmd: cmd, start: start, token: strings.TrimSpace(string(token)), fingerprint: make(chan string, 1)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		pattern := regexp.MustCompile(`fingerprint: ([0-9A-F:]{95})`)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Printf("node: %7.3f %s\n", time.Since(start).Seconds(), lines.Text())
			if m := pattern.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case n.fingerprint <- m[1]:
				default:
				}
			}
		}
	}()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait(); in.Close() }()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("the node has ended before: %v", err)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the node ended with: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the node does not end")
			_ = cmd.Process.Kill()
			<-ended
		}
		<-read
	})
	return n
}

// stand is what a visitor hears at the door, while a tone stands for his voice.
type stand struct {
	mu    sync.Mutex
	heard []int16 // the last second
}

func standBefore(t *testing.T) *stand {
	t.Helper()
	mic, speaker := openMicrophone(t, loopIn), openSpeaker(t, loopIn)
	ctx, stop := context.WithCancel(context.Background())
	s := &stand{}
	var wg sync.WaitGroup
	wg.Go(func() {
		var b media.Block
		for n := 0; ; {
			for i := range b.Samples {
				b.Samples[i] = int16(8000 * math.Sin(2*math.Pi*visitorHz*float64(n)/media.EngineRateHz))
				n++
			}
			if err := speaker.Write(ctx, &b); err != nil && hal.KindOf(err) != hal.Overrun {
				return
			}
		}
	})
	wg.Go(func() {
		var b media.Block
		for {
			if err := mic.Read(ctx, &b); err != nil && hal.KindOf(err) != hal.Overrun {
				return
			}
			s.mu.Lock()
			s.heard = append(s.heard, b.Samples[:]...)
			s.heard = s.heard[max(0, len(s.heard)-media.EngineRateHz):]
			s.mu.Unlock()
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	return s
}

// hears waits until the tone is there for a tenth of a second.
func (s *stand) hears(t *testing.T, hz float64, limit time.Duration) {
	t.Helper()
	const window = media.EngineRateHz / 10
	best := 0.0
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		s.mu.Lock()
		if n := len(s.heard); n >= window {
			best = max(best, goertzel(s.heard[n-window:], hz))
		}
		s.mu.Unlock()
		if best > 2000 {
			t.Logf("heard %v Hz with %.0f", hz, best)
			return
		}
	}
	t.Fatalf("%v Hz not heard, at most %.0f", hz, best)
}
