package node

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine"
)

// fullOffer is an offer of somebody who never connects.
func fullOffer(t *testing.T) string {
	t.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer pc.GracefulClose()
	for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := pc.AddTransceiverFromKind(k, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	o, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	return pc.LocalDescription().SDP
}

// flood posts an offer again and again, rate times per second from eight
// connections, and counts the answers by status.
func flood(t *testing.T, url, offer, who string, rate int, d time.Duration) (byStatus map[int]int, detail string) {
	t.Helper()
	tr := &http.Transport{MaxIdleConnsPerHost: 8}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, Timeout: 10 * time.Second}
	var mu sync.Mutex
	byStatus = map[int]int{}
	var wg sync.WaitGroup
	var sent atomic.Int64
	begin := time.Now()
	for range 8 {
		wg.Go(func() {
			for time.Since(begin) < d {
				k := sent.Add(1)
				time.Sleep(time.Until(begin.Add(time.Duration(k) * time.Second / time.Duration(rate))))
				req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(offer))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Content-Type", "application/sdp")
				req.Header.Set("X-Test", who)
				resp, err := client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				b, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				mu.Lock()
				byStatus[resp.StatusCode]++
				if resp.StatusCode == http.StatusServiceUnavailable {
					detail = string(b)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return byStatus, detail
}

// TestFlood: strangers by the thousand and sessions that never connect take
// nothing from who watches, and not much memory.
func TestFlood(t *testing.T) {
	b := start(t, func(c *engine.Config, _ *bench) {
		c.Session.MaxViewers, c.Session.MaxHalfOpen, c.Session.ConnectTimeout = 20, 8, 2*time.Second
	})
	v := join(t, b.url)
	v.watches("picture", 10, 20*time.Second)
	count := func(d time.Duration, during func()) (perSecond float64) {
		begin := time.Now()
		before, _, _, _ := v.seen()
		if during == nil {
			time.Sleep(d)
		} else {
			during()
		}
		after, _, _, _ := v.seen()
		return float64(after-before) / time.Since(begin).Seconds()
	}
	calm := count(2*time.Second, nil)
	offer := fullOffer(t)
	strangers := count(0, func() {
		got, _ := flood(t, b.url, offer, "stranger", 1000, 2*time.Second)
		if got[http.StatusUnauthorized] < 200 || len(got) != 1 {
			t.Errorf("strangers were answered %v", got)
		}
		t.Logf("strangers: %v", got)
	})
	if s := b.engine.Sessions().Stats(); s.Accepted != 1 {
		t.Errorf("%d sessions were made", s.Accepted)
	}
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	used := memory.HeapAlloc
	halfOpen := count(0, func() {
		got, detail := flood(t, b.url, offer, "friend", 100, 2*time.Second)
		if got[http.StatusCreated] < 8 || got[http.StatusServiceUnavailable] < 20 || !strings.Contains(detail, "still connecting") {
			t.Errorf("half-open sessions were answered %v, %s", got, detail)
		}
		t.Logf("half open: %v", got)
	})
	if s := b.engine.Sessions().Stats(); s.HalfOpen > 8 {
		t.Errorf("%d half-open sessions", s.HalfOpen)
	}
	eventually(t, 20*time.Second, "half-open sessions are given up", func() bool { return b.engine.Sessions().Stats().HalfOpen == 0 })
	runtime.GC()
	runtime.ReadMemStats(&memory)
	if more := int64(memory.HeapAlloc) - int64(used); more > 8<<20 {
		t.Errorf("%d bytes more are in use afterwards", more)
	}
	t.Logf("frames per second: %.1f in peace, %.1f with strangers, %.1f with half-open sessions", calm, strangers, halfOpen)
	// Flood and viewer share the machine with the node, so some is lost to them.
	if strangers < calm*0.4 || halfOpen < calm*0.4 {
		t.Errorf("who watches was disturbed: %.1f frames per second, then %.1f and %.1f", calm, strangers, halfOpen)
	}
}
