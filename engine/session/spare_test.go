package session

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

func (m *Manager) spareReady() bool {
	m.spare.mu.Lock()
	defer m.spare.mu.Unlock()
	return m.spare.pc != nil
}

// A prewarmed manager answers with a connection that was there before, connects,
// has the next one ready, and forgets it when its time is over.
func TestPrewarm(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	if n.spareReady() {
		t.Fatal("a spare connection that nobody asked for")
	}
	n.Prewarm(3 * time.Second)
	eventually(t, "a spare connection", n.spareReady)
	first := n.spare.pc
	a := watch(t, n)
	if a.viewer.pc != first {
		t.Error("the spare connection was not used")
	}
	next(t, a.video)
	eventually(t, "the next one", n.spareReady)
	b := watch(t, n)
	next(t, b.video)
	// ICE of such a connection can be restarted like any other's.
	if _, err := b.viewer.Restart(context.Background(), "abcd", "abcdefghijklmnopqrstuvwx", nil); err != nil {
		t.Error(err)
	}
	eventually(t, "another", n.spareReady)
	eventually(t, "the end of its time", func() bool { return !n.spareReady() })
	c := watch(t, n)
	next(t, c.video)
	if n.spareReady() {
		t.Error("a spare connection after its time")
	}
	n.Prewarm(time.Minute) // Close finds one: goleak looks whether it ends
	eventually(t, "one at the end", n.spareReady)
}

// When the network changes, the spare connection is made anew.
func TestPrewarmFollowsTheNetwork(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.Prewarm(time.Minute)
	eventually(t, "a spare connection", n.spareReady)
	first := n.spare.pc
	n.dropSpare()
	eventually(t, "another", func() bool { return n.spareReady() && n.spare.pc != first })
	if s := first.ConnectionState(); s != webrtc.PeerConnectionStateClosed {
		t.Errorf("the first is %v", s)
	}
}

// BenchmarkAnswer measures what a viewer waits for, without and with a connection
// that was ready: an answer of a node that has no TURN server, and of one whose
// TURN server is silent and waited for.
func BenchmarkAnswer(b *testing.B) {
	for i := range 4 {
		warm, relay := i&1 != 0, i&2 != 0
		b.Run(fmt.Sprintf("relay=%v/prewarmed=%v", relay, warm), func(b *testing.B) {
			silent, err := net.ListenPacket("udp", "127.0.0.1:0") // a TURN server that does not answer
			if err != nil {
				b.Fatal(err)
			}
			defer silent.Close()
			cfg := Defaults()
			cfg.UDPPort, cfg.Loopback, cfg.ICETCP = 0, true, false
			if relay {
				cfg.GatherWait = time.Second
				cfg.ICEServers = []ICEServer{{URLs: []string{"turn:" + silent.LocalAddr().String()}, Username: "u", Credential: "c"}}
			}
			m, err := New(cfg, Hooks{}, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close(context.Background())
			client, err := webrtc.NewPeerConnection(webrtc.Configuration{})
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			if _, err := client.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
				b.Fatal(err)
			}
			offer, err := client.CreateOffer(nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				b.StopTimer()
				if warm {
					m.Prewarm(time.Minute)
					for !m.spareReady() {
						time.Sleep(time.Millisecond)
					}
					time.Sleep(max(20*time.Millisecond, cfg.GatherWait)) // the bell has rung before
				}
				b.StartTimer()
				v, _, err := m.Answer(context.Background(), offer.SDP, watcher)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				v.Close("measured")
				<-v.Done()
				b.StartTimer()
			}
		})
	}
}

// TestAnswerOnSlowBoard: where it takes longer to get to the addresses than they
// are waited for, the answer has them all the same.
func TestAnswerOnSlowBoard(t *testing.T) {
	cfg := Defaults()
	cfg.UDPPort, cfg.Loopback, cfg.ICETCP = 0, true, false
	m, err := New(cfg, Hooks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	client, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	offer, err := client.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		peer, err := m.peerConfig(spareUser)
		if err != nil {
			t.Fatal(err)
		}
		pc, err := m.api.NewPeerConnection(peer)
		if err != nil {
			t.Fatal(err)
		}
		m.spare.mu.Lock()
		m.spare.pc, m.spare.made = pc, time.Now().Add(-time.Hour)
		m.spare.mu.Unlock()
		v, answer, err := m.Answer(t.Context(), offer.SDP, watcher)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(answer, "a=candidate:") {
			t.Errorf("no address in\n%s", answer)
		}
		v.Close("seen")
		<-v.Done()
	}
}
