package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/media"
)

func TestCommonRate(t *testing.T) {
	for _, c := range []struct {
		rates []int
		want  int
	}{
		{nil, 1000},
		{[]int{5000}, 1000},
		{[]int{300}, 300},
		{[]int{800, 300}, 300},
		{[]int{800, 500}, 500},
		{[]int{900, 100, 950}, 225}, // the slow one cannot take more than three quarters from the others
		{[]int{100, 120, 950}, 100}, // two may
		{[]int{9000, 9000}, 1000},
	} {
		if got := commonRate(c.rates, 1000); got != c.want {
			t.Errorf("%v share %d, want %d", c.rates, got, c.want)
		}
	}
}

// narrow is a way for UDP that carries bps in one direction, with a queue.
type narrow struct {
	conn, up *net.UDPConn
	bps      atomic.Int64
	queue    time.Duration
	lost     atomic.Int64
	lose     atomic.Int64 // one packet of so many is lost, 0: none
}

// newNarrow leads to the port to on loopback.
func newNarrow(t *testing.T, to int, bps int64, queue time.Duration) *narrow {
	t.Helper()
	listen := func() *net.UDPConn {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	n := &narrow{conn: listen(), up: listen(), queue: queue}
	n.bps.Store(bps)
	var client atomic.Pointer[net.UDPAddr]
	go func() {
		b := make([]byte, 2048)
		for {
			k, from, err := n.conn.ReadFromUDP(b)
			if err != nil {
				return
			}
			client.Store(from)
			_, _ = n.up.WriteToUDP(b[:k], &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to})
		}
	}()
	type late struct {
		at time.Time
		b  []byte
	}
	waiting := make(chan late, 4096)
	go func() {
		defer close(waiting)
		free := time.Now()
		b := make([]byte, 2048)
		for {
			k, _, err := n.up.ReadFromUDP(b)
			if err != nil {
				return
			}
			if now := time.Now(); free.Before(now) {
				free = now
			}
			if every := n.lose.Load(); time.Until(free) > n.queue || every > 0 && rand.Int64N(every) == 0 {
				n.lost.Add(1)
				continue
			}
			free = free.Add(time.Duration(k+28) * 8 * time.Second / time.Duration(n.bps.Load()))
			waiting <- late{free, append([]byte(nil), b[:k]...)}
		}
	}()
	go func() {
		for l := range waiting {
			time.Sleep(time.Until(l.at))
			if to := client.Load(); to != nil {
				_, _ = n.conn.WriteToUDP(l.b, to)
			}
		}
	}()
	return n
}

// through makes an answer lead through the narrow way.
func (n *narrow) through(answer string, port int) string {
	here := fmt.Sprint(n.conn.LocalAddr().(*net.UDPAddr).Port)
	return regexp.MustCompile(`127\.0\.0\.1 `+fmt.Sprint(port)).ReplaceAllString(answer, "127.0.0.1 "+here)
}

// joinThrough watches through a narrow way.
func (c *client) joinThrough(n *node, way *narrow) {
	c.t.Helper()
	c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
	// Candidates of its own would lead around the narrow way.
	offer := regexp.MustCompile(`(?m)^a=candidate:.*\r\n`).ReplaceAllString(c.offer(), "")
	v, answer, err := n.Answer(context.Background(), offer, watcher)
	if err != nil {
		c.t.Fatal(err)
	}
	if !strings.Contains(answer, "transport-wide-cc") {
		c.t.Fatalf("no transport-wide feedback in the answer:\n%s", answer)
	}
	c.viewer, c.answer = v, answer
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: way.through(answer, n.Port())}); err != nil {
		c.t.Fatal(err)
	}
}

// reportingClient is a viewer that reports arrival times, as browsers do.
func reportingClient(t *testing.T) *client {
	t.Helper()
	me, ir := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := me.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	if err := webrtc.ConfigureTWCCSender(me, ir); err != nil {
		t.Fatal(err)
	}
	if err := me.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: playoutDelayURI}, webrtc.RTPCodecTypeVideo); err != nil {
		t.Fatal(err)
	}
	se := webrtc.SettingEngine{}
	se.SetIncludeLoopbackCandidate(true)
	se.SetInterfaceFilter(func(n string) bool { return n == "lo" })
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return newClientOf(t, webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithInterceptorRegistry(ir), webrtc.WithSettingEngine(se)))
}

// TestNarrowPath leads a stream of 1.5 Mbit/s through 600 kbit/s, then 1.2
// Mbit/s: the encoder is told, the path is used, and little waits in its queue.
// The bounds leave room for a busy machine; package congestion has the exact
// ones.
func TestNarrowPath(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	var rate atomic.Int64
	rate.Store(1_500_000)
	n := newNode(t, Hooks{VideoPlan: func(p VideoPlan) { rate.Store(int64(max(p.MainBps, p.ThumbBps))) }}, nil)
	n.SetVideoCeiling(1_500_000)
	n.wg.Go(func() {
		r := rand.New(rand.NewPCG(1, 1))
		start := time.Now()
		for i := uint64(0); ; i++ {
			now := start.Add(time.Duration(i) * time.Second / 30)
			select {
			case <-n.stop:
				return
			case <-time.After(time.Until(now)):
			}
			key := n.wantKey.Swap(false)
			size := max(int(float64(rate.Load())/8/30*(0.8+0.4*r.Float64())), 20)
			if key {
				size = 20_000
			}
			n.WriteVideo(&media.EncodedVideo{Data: vp8Frame(key, i, size), Key: key, CapturedAt: now})
		}
	})
	c := reportingClient(t)
	way := newNarrow(t, n.Port(), 600_000, 500*time.Millisecond)
	c.joinThrough(n, way)
	v := c.viewer
	next(t, c.video)
	// Give the start two seconds, then count what comes.
	count := func(d time.Duration) (bps float64) {
		end := time.After(d)
		bytes := 0
		for {
			select {
			case p := <-c.video:
				bytes += len(p.Payload) + wireOverhead
			case <-end:
				return float64(bytes) * 8 / d.Seconds()
			}
		}
	}
	count(2 * time.Second)
	settles(t, "600 kbit/s", func() (bool, string) {
		lost, before := way.lost.Load(), v.Info()
		bps := count(3 * time.Second)
		lost = way.lost.Load() - lost
		i, r := v.Info(), rate.Load()
		good := bps > 0.5*600_000 && bps < 1.1*600_000 && i.Path.QueueDelay <= 150*time.Millisecond && lost <= 10 && r <= 700_000 &&
			i.FramesDropped == before.FramesDropped && i.Overruns == before.Overruns
		return good, fmt.Sprintf("%.0f bit/s arrive, %d packets lost, %+v, the encoder is asked for %d bit/s", bps, lost, i, r)
	})
	way.bps.Store(1_200_000)
	count(3 * time.Second)
	settles(t, "1.2 Mbit/s", func() (bool, string) {
		before := v.Info()
		bps := count(2 * time.Second)
		i := v.Info()
		good := bps >= 0.55*1_200_000 && i.FramesDropped == before.FramesDropped && i.Overruns == before.Overruns
		return good, fmt.Sprintf("%.0f bit/s arrive, %+v", bps, i)
	})
}
