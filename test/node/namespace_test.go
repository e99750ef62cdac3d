package node

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/station"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
	"github.com/edgecam/edgecam/internal/testdata"
	"github.com/edgecam/edgecam/test/netlab"
)

// Environment of a side of a call between namespaces: what it is, where its
// results go, and how long the call lasts.
const (
	roleVariable   = "EDGECAM_TEST_ROLE"
	resultVariable = "EDGECAM_TEST_RESULTS"
	lengthVariable = "EDGECAM_TEST_LENGTH"
)

const (
	farMedia = 8555 // UDP port of the node
	farHTTP  = 8080
)

// health is what a process weighs at a time.
type health struct {
	At         time.Duration
	HeapBytes  uint64
	Goroutines int
}

// sideResult is what a side of the call leaves behind.
type sideResult struct {
	Begin  map[string]time.Time // of its tapes
	Health []health
	Stalls []time.Time
	Stats  *station.Stats
	Relay  [2]netlab.PathStats
}

// TestNamespaceRole is one side of TestCallBetweenNamespaces, in a process of
// its own; by itself it is nothing.
func TestNamespaceRole(t *testing.T) {
	role, dir := os.Getenv(roleVariable), os.Getenv(resultVariable)
	if role == "" {
		t.Skip("is a part of TestCallBetweenNamespaces")
	}
	lasts, err := time.ParseDuration(os.Getenv(lengthVariable))
	if err != nil {
		t.Fatal(err)
	}
	r := sideResult{Begin: map[string]time.Time{}}
	switch role {
	case "node":
		nodeRole(t, dir, &r)
	case "station":
		stationRole(t, dir, lasts, &r)
	case "relay":
		relayRole(t, &r)
	}
	b, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, role+".json"), b, 0o600)
	}
	if err != nil {
		t.Error(err)
	}
}

// taped opens a tape on disk; what it holds is whole once finish was called.
func taped(t *testing.T, dir, name string, r *sideResult) (tp *tape, finish func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, name+".pcm"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<16)
	tp = &tape{out: w}
	return tp, func() {
		tp.stop()
		tp.mu.Lock()
		defer tp.mu.Unlock()
		r.Begin[name] = tp.begin
		for _, err := range []error{tp.err, w.Flush(), f.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// observe notes the health of the process and the stalls of the machine.
func observe(r *sideResult) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var still stalls
	var wg sync.WaitGroup
	wg.Go(func() { still.watch(ctx) })
	wg.Go(func() {
		begin := time.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(5 * time.Second):
			}
			heap, routines := footprint()
			r.Health = append(r.Health, health{time.Since(begin), heap, routines})
		}
	})
	return func() {
		cancel()
		wg.Wait()
		r.Stalls = still.when
	}
}

// nodeRole is a node that is called, until standard input ends.
func nodeRole(t *testing.T, dir string, r *sideResult) {
	says, finishSays := taped(t, dir, "node-says", r)
	hears, finishHears := taped(t, dir, "node-hears", r)
	woman := testdata.Shared(t, "voice", "open", "speech", "en_f.wav")
	b := start(t, func(cfg *engine.Config, b *bench) {
		cfg.Session.Loopback, cfg.Session.UDPPort = false, farMedia
		b.devices = func(d *engine.Devices) {
			d.Microphone = speech(woman, says)
			d.Camera = smallCamera(b)
			open := d.Speaker
			d.Speaker = func(ctx context.Context) (hal.Speaker, error) {
				s, err := open(ctx)
				return tapedSpeaker{s, hears}, err
			}
		}
	})
	at, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	at.Path = ""
	serve(t, net.JoinHostPort(netlab.LeftAddr, strconv.Itoa(farHTTP)), httputil.NewSingleHostReverseProxy(at))
	stop := observe(r)
	ready(t)
	stop()
	finishSays()
	finishHears()
}

func smallCamera(b *bench) func(context.Context) (hal.Camera, error) {
	return func(ctx context.Context) (hal.Camera, error) {
		return b.camera.OpenCamera(ctx, sim.CameraID, hal.VideoMode{Width: 320, Height: 240, FrameInterval: time.Second / 15})
	}
}

// ready says that the side is, and waits for standard input to end.
func ready(t *testing.T) {
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Error(err)
	}
}

func serve(t *testing.T, addr string, h http.Handler) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
}

// relayRole is the bad network.
func relayRole(t *testing.T, r *sideResult) {
	relay, err := netlab.NewRelay(netlab.RelayConfig{
		Target:   netip.AddrPortFrom(netip.MustParseAddr(netlab.LeftAddr), farMedia),
		Listen:   netip.AddrPortFrom(netip.MustParseAddr(netlab.MiddleRightAddr), farMedia),
		ToServer: []netlab.Step{netlab.Always(badWay)}, ToClient: []netlab.Step{netlab.Always(badWay)}, Seed: 11,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	stop := observe(r)
	target := &url.URL{Scheme: "http", Host: net.JoinHostPort(netlab.LeftAddr, strconv.Itoa(farHTTP))}
	serve(t, net.JoinHostPort(netlab.MiddleRightAddr, strconv.Itoa(farHTTP)), netlab.Signalling(target, relay.Addr()))
	ready(t)
	stop()
	var overrun uint64
	r.Relay[0], r.Relay[1], overrun = relay.Stats()
	if overrun > 0 {
		t.Errorf("the relay was overrun by %d packets", overrun)
	}
}

// stationRole is an indoor station that calls.
func stationRole(t *testing.T, dir string, lasts time.Duration, r *sideResult) {
	says, finishSays := taped(t, dir, "station-says", r)
	hears, finishHears := taped(t, dir, "station-hears", r)
	man := testdata.Shared(t, "voice", "open", "speech", "it_m.wav")
	at := "http://" + net.JoinHostPort(netlab.MiddleRightAddr, strconv.Itoa(farHTTP)) + "/whep"
	c := call(t, at, func(cfg *station.Config, d *station.Devices) {
		cfg.Dial.Call.Loopback = false
		cfg.Dial.Call.VoiceCodecs = []codec.Name{codec.Opus}
		d.Microphone = speech(man, says)
		open := d.Speaker
		d.Speaker = func(ctx context.Context) (hal.Speaker, error) {
			s, err := open(ctx)
			return tapedSpeaker{s, hears}, err
		}
	})
	c.event("connected", func(e station.Event) bool { return e.Type == "connected" })
	stop := observe(r)
	time.Sleep(lasts)
	stats := c.Stats()
	r.Stats = &stats
	stop()
	finishSays()
	finishHears()
}

// side runs a role in its namespace. When the function that it returns is
// called, its standard input ends, and it is waited for.
func side(t *testing.T, n *netlab.Namespaces, where netlab.Side, role, dir string, lasts time.Duration, waitReady bool) (end func() error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := n.Command(context.Background(), where, program, "-test.run", "^TestNamespaceRole$", "-test.timeout", "0", "-test.v")
	cmd.Env = append(os.Environ(), roleVariable+"="+role, resultVariable+"="+dir, lengthVariable+"="+lasts.String())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := startFirst(t, cmd); err != nil {
		t.Fatal(err)
	}
	isReady, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		s := bufio.NewScanner(out)
		for once := waitReady; s.Scan(); {
			log.Write(append(s.Bytes(), '\n'))
			if once && s.Text() == "ready" {
				close(isReady)
				once = false
			}
		}
	}()
	var over error
	var once sync.Once
	end = func() error {
		once.Do(func() {
			_ = in.Close()
			<-read
			if over = cmd.Wait(); over != nil {
				over = fmt.Errorf("%s: %w\n%s", role, over, log.String())
			}
		})
		return over
	}
	t.Cleanup(func() {
		time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	if waitReady {
		select {
		case <-isReady:
		case <-read:
			t.Fatal(end())
		case <-time.After(30 * time.Second):
			t.Fatalf("%s is not ready after 30 s", role)
		}
	}
	return end
}

// startFirst starts a process that runs before what else the machine does, so that
// a delay is the network's and not the machine's; where that is not allowed it is
// one like others.
func startFirst(t *testing.T, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	first := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 5}
	usual, err := unix.SchedGetAttr(0, 0)
	if err == nil {
		err = unix.SchedSetAttr(0, &first, 0) // children have it from their parent's thread
	}
	if err != nil {
		t.Logf("runs among others: %v", err)
		return cmd.Start()
	}
	err = cmd.Start()
	return errors.Join(err, unix.SchedSetAttr(0, usual, 0))
}

func readResult(t *testing.T, dir, role string) (r sideResult) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, role+".json"))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func readTape(t *testing.T, dir, name string, r *sideResult) *tape {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name+".pcm"))
	if err != nil {
		t.Fatal(err)
	}
	tp := &tape{begin: r.Begin[name], samples: make([]int16, len(b)/2)}
	for i := range tp.samples {
		tp.samples[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return tp
}

// weigh checks that a process did not grow.
func weigh(t *testing.T, who string, h []health) {
	t.Helper()
	if len(h) < 4 {
		t.Errorf("%s: seen %d times only", who, len(h))
		return
	}
	first, last := h[1], h[len(h)-1]
	t.Logf("%s: heap %d kB at %v, %d kB at %v; goroutines %d, then %d", who, first.HeapBytes>>10, first.At.Round(time.Second), last.HeapBytes>>10, last.At.Round(time.Second), first.Goroutines, last.Goroutines)
	if last.HeapBytes > first.HeapBytes+4<<20 {
		t.Errorf("%s: the heap has grown from %d to %d kB", who, first.HeapBytes>>10, last.HeapBytes>>10)
	}
	if last.Goroutines > first.Goroutines+2 {
		t.Errorf("%s: %d goroutines became %d", who, first.Goroutines, last.Goroutines)
	}
}

// TestCallBetweenNamespaces: a node and an indoor station in network namespaces
// of their own, each in its process, and between them a network that loses a
// tenth of the packets and delays the others by 20 to 80 ms. EDGECAM_SOAK gives
// the length of the call, such as 10m; it is a minute otherwise.
func TestCallBetweenNamespaces(t *testing.T) {
	if testing.Short() {
		t.Skip("calls for a minute")
	}
	lasts := soakLength(t, time.Minute)
	n, err := netlab.NewNamespaces(context.Background())
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	endNode := side(t, n, netlab.Left, "node", dir, lasts, true)
	endRelay := side(t, n, netlab.Middle, "relay", dir, lasts, true)
	endStation := side(t, n, netlab.Right, "station", dir, lasts, false)
	for _, end := range []func() error{endStation, endNode, endRelay} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	node, st, relay := readResult(t, dir, "node"), readResult(t, dir, "station"), readResult(t, dir, "relay")
	for i, way := range []string{"to the node", "to the station"} {
		p := relay.Relay[i]
		t.Logf("%s: %+v", way, p)
		if share := float64(p.Lost) / float64(p.Packets); share < .08 || share > .12 {
			t.Errorf("%s: %.1f %% are lost, want 10", way, share*100)
		}
	}
	still := &stalls{when: slices.Concat(node.Stalls, st.Stalls, relay.Stalls)}
	t.Logf("the machine stood still %d times", len(still.when))
	judge(t, "heard at the station", compare(readTape(t, dir, "node-says", &node), readTape(t, dir, "station-hears", &st), 4*time.Second, still))
	judge(t, "heard at the node", compare(readTape(t, dir, "station-says", &st), readTape(t, dir, "node-hears", &node), 4*time.Second, still))
	weigh(t, "node", node.Health)
	weigh(t, "station", st.Health)
	judgePicture(t, st.Stats)
}
