package node

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/video/jitter"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/internal/testdata"
	"github.com/edgecam/edgecam/test/netlab"
)

// watcher is a viewer of the picture over a network of its own.
type watcher struct {
	call *session.Call
	mu   sync.Mutex
	buf  *jitter.Buffer
	done chan struct{}
	wg   sync.WaitGroup

	picture func(*media.Picture) // unless nil, sees what is shown

	shown, keys, broken int
	stats               jitter.Stats
}

// watchOver connects a viewer through a network that loses that share of all
// packets, both ways. With acknowledge it says which references it has; else only
// the reports on its packets tell. It does not ask for packets to be sent again, so
// that every loss is one of the picture.
func watchOver(t *testing.T, b *bench, loss float64, seed uint64, acknowledge bool) *watcher {
	t.Helper()
	way := netlab.Conditions{Delay: 25 * time.Millisecond, Loss: loss}
	return watch(t, b, way, seed, jitter.Config{Immediate: true, NoNACK: true, RPSI: acknowledge, RTT: 60 * time.Millisecond}, true, nil)
}

// watch connects a viewer through a network with these conditions both ways. One who
// does not report on packets is always sent the whole stream.
func watch(t *testing.T, b *bench, conditions netlab.Conditions, seed uint64, cfg jitter.Config, reports bool, picture func(*media.Picture)) *watcher {
	t.Helper()
	way := netlab.Always(conditions)
	relay, err := netlab.NewRelay(netlab.RelayConfig{
		Target:   netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(b.engine.Sessions().Port())),
		ToServer: []netlab.Step{way}, ToClient: []netlab.Step{way}, Seed: seed,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.Close() })
	w := &watcher{done: make(chan struct{}), buf: jitter.New(cfg), picture: picture}
	w.call, err = session.NewCall(session.CallConfig{Video: true, Loopback: true}, session.CallHooks{Video: func(p session.VideoPacket) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.buf.Insert(jitter.Packet{SequenceNumber: p.SequenceNumber, Timestamp: p.Timestamp, Marker: p.Marker, Payload: p.Payload, Resent: p.Resent}, p.ArrivedAt)
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	offer, err := w.call.Offer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !reports {
		offer = without(offer, "transport-cc", "transport-wide-cc")
	}
	_, answer, err := b.engine.Sessions().Answer(ctx, netlab.StripCandidates(offer), b.grant)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.call.Accept(netlab.RewriteAnswer(answer, relay.Addr())); err != nil {
		t.Fatal(err)
	}
	if !w.call.WantsReferences() {
		t.Error("the node does not want to know of references")
	}
	w.wg.Go(w.run)
	t.Cleanup(w.close)
	return w
}

// without takes lines with one of these words out of a description.
func without(sdp string, words ...string) string {
	var out strings.Builder
	for line := range strings.Lines(sdp) {
		if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(line, word) }) {
			out.WriteString(line)
		}
	}
	return out.String()
}

func (w *watcher) close() {
	select {
	case <-w.done:
		return
	default:
	}
	close(w.done)
	w.wg.Wait()
	w.call.Close()
}

func (w *watcher) run() {
	dec := vp8.NewDecoder(vp8.DecoderOptions{})
	defer dec.Close()
	for {
		select {
		case <-w.done:
			return
		case <-time.After(2 * time.Millisecond):
		}
		w.mu.Lock()
		now := time.Now()
		for {
			f, ok := w.buf.Next(now)
			if !ok {
				break
			}
			p, err := dec.Decode(f.Data)
			w.buf.Decoded(err == nil, 0, now)
			if info := dec.Info(); err == nil && (info.RefreshGolden || info.RefreshAltRef) {
				w.buf.Stored(f.PictureID)
			}
			w.shown++
			if f.Key {
				w.keys++
			}
			switch {
			case err != nil:
				w.broken++
			case p != nil && w.picture != nil:
				w.picture(p)
			}
		}
		fb := w.buf.Feedback(now)
		w.stats = w.buf.Stats()
		w.mu.Unlock()
		w.call.Ask(fb.NACK, fb.PLI)
		w.call.HaveReferences(fb.RPSI)
	}
}

func (w *watcher) seen() (shown, keys, broken int, s jitter.Stats) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.shown, w.keys, w.broken, w.stats
}

// TestLossWithoutKeyFrames: a viewer loses 5 % of all packets, and another none.
// With long-term references the node needs few key frames after the ones they start
// with; with key frames alone it needs many, which the other viewer pays for, too.
func TestLossWithoutKeyFrames(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 12 s")
	}
	type outcome struct {
		keys, mended, shown uint64 // keys: but for changes of streams
		frozen              time.Duration
	}
	results := map[string]outcome{}
	var mu sync.Mutex
	t.Run("all", func(t *testing.T) {
		for _, how := range []string{"references by reports", "references by RPSI", "key frames"} {
			t.Run(how, func(t *testing.T) {
				b := start(t, func(c *engine.Config, b *bench) {
					c.Video.BitrateBps, c.Video.KeyFramesOnly = 400_000, how == "key frames"
					b.devices = func(d *engine.Devices) { d.Camera, d.Microphone = smallCamera(b), nil }
				})
				rpsi := how == "references by RPSI"
				clean := watchOver(t, b, 0, 3, rpsi)
				all := []*watcher{clean, watchOver(t, b, 0.05, 1, rpsi)}
				eventually(t, 20*time.Second, "all see the picture", func() bool {
					for _, w := range all {
						if shown, _, _, _ := w.seen(); shown < 15 {
							return false
						}
					}
					return true
				})
				before, begin := b.engine.Sessions().Stats(), make([]jitter.Stats, len(all))
				_, keysBefore, _, _ := clean.seen()
				for i, w := range all {
					_, _, _, begin[i] = w.seen()
				}
				time.Sleep(10 * time.Second)
				after := b.engine.Sessions().Stats()
				o := outcome{keys: after.KeyFrames - before.KeyFrames, mended: after.Mended - before.Mended}
				for i, w := range all {
					shown, _, broken, s := w.seen()
					if broken > 0 {
						t.Errorf("viewer %d: %d frames could not be decoded", i, broken)
					}
					o.shown += uint64(shown)
					o.frozen += s.TotalFreezesDuration - begin[i].TotalFreezesDuration
				}
				_, keys, _, _ := clean.seen()
				// Key frames with which viewers change streams, as a path carries
				// less or more, are no loss's.
				requests := maps.Clone(after.KeyFrameRequests)
				for reason, n := range before.KeyFrameRequests {
					requests[reason] -= n
				}
				t.Logf("in 10 s %d key frames (%d for the viewer that loses nothing), %d frames built on a reference; frozen %v in all; requests %v",
					o.keys, keys-keysBefore, o.mended, o.frozen.Round(time.Millisecond), requests)
				o.keys -= min(o.keys, requests[session.ReasonSwitch])
				for _, v := range b.engine.Sessions().Viewers() {
					if (v.RPSIs > 0) != rpsi {
						t.Errorf("viewer %s has acknowledged %d references", v.ID, v.RPSIs)
					}
				}
				mu.Lock()
				results[how] = o
				mu.Unlock()
				for _, w := range all {
					w.close()
				}
			})
		}
	})
	if t.Failed() {
		return
	}
	bare := results["key frames"]
	if bare.keys < 5 {
		testdata.Missing(t, "%d key frames with key frames alone: the machine is too busy for the network to lose enough", bare.keys)
	}
	for _, how := range []string{"references by reports", "references by RPSI"} {
		if o := results[how]; o.keys*3 > bare.keys*2 || o.mended < 3 {
			t.Errorf("%s: %d key frames and %d frames built on a reference; %d key frames without references", how, o.keys, o.mended, bare.keys)
		}
	}
}
